// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/agent/ring.hpp"

#include <sys/mman.h>
#include <sys/random.h>

#include <algorithm>

#include "lab/agent/proc.hpp"

namespace kcov::agent {
namespace {

using lab::kRingPageBytes;
using lab::kRingPages;
using lab::kRingPageWords;
using lab::kRingRecords;

constexpr std::size_t kBytes = (1 + kRingPages) * kRingPageBytes;

}  // namespace

Ring::~Ring() {
  if (words_ != nullptr) ::munmap(words_, kBytes);
}

bool Ring::make() {
  if (memory().available < 16 * kBytes) return false;
  if (::getrandom(&number_, sizeof number_, GRND_NONBLOCK) != sizeof number_) return false;
  // At once: to fault in a page is dear, on um.
  void* const map = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (map == MAP_FAILED) return false;
  words_ = static_cast<std::uint64_t*>(map);
  ::madvise(map, kBytes, MADV_DONTFORK);
  for (std::size_t page = 0; page <= kRingPages; ++page)
    *reinterpret_cast<lab::RingMark*>(words_ + page * kRingPageWords) = {number_, page};
  return true;
}

bool Ring::put(std::span<const std::uint64_t> pcs) {
  if (!is_made() || __atomic_load_n(&control().is_found, __ATOMIC_ACQUIRE) != 1) return false;
  const std::uint64_t taken = __atomic_load_n(&control().taken, __ATOMIC_ACQUIRE);
  if (pcs.size() > kRingRecords - (put_ - taken)) return false;
  while (!pcs.empty()) {
    const std::uint64_t at = put_ % kRingRecords;
    const std::size_t n = std::min<std::uint64_t>(pcs.size(), kRingRecords - at);
    std::copy_n(pcs.begin(), n, words_ + kRingPageWords + at);
    put_ += n;
    pcs = pcs.subspan(n);
  }
  return true;
}

}  // namespace kcov::agent
