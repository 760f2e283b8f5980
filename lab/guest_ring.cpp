// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/guest_ring.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "lab/record_ring.hpp"

namespace kcov::lab {

std::unique_ptr<GuestRing> GuestRing::find(int memory, const std::array<std::uint64_t, 2>& number) {
  struct stat status {};
  void* map = MAP_FAILED;
  if (::fstat(memory, &status) == 0 && status.st_size > 0) {
    map = ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ | PROT_WRITE,
                 MAP_SHARED, memory, 0);
  }
  std::unique_ptr<GuestRing> ring;
  if (map != MAP_FAILED) {
    ring.reset(new GuestRing(static_cast<char*>(map), static_cast<std::size_t>(status.st_size)));
    if (!ring->look(memory, number)) ring.reset();
  }
  ::close(memory);
  return ring;
}

GuestRing::~GuestRing() { ::munmap(memory_, size_); }

bool GuestRing::look(int file, const std::array<std::uint64_t, 2>& number) {
  pages_.assign(1 + kRingPages, nullptr);
  std::size_t found = 0;
  // Most of it was never touched, and takes no room.
  off_t end = 0;
  for (off_t begin; (begin = ::lseek(file, end, SEEK_DATA)) >= 0;) {
    end = ::lseek(file, begin, SEEK_HOLE);
    if (end < 0) return false;
    const std::size_t last = std::min(static_cast<std::size_t>(end), size_);
    for (std::size_t at = static_cast<std::size_t>(begin) / kRingPageBytes * kRingPageBytes;
         at + kRingPageBytes <= last; at += kRingPageBytes) {
      RingMark mark;
      std::memcpy(&mark, memory_ + at, sizeof mark);
      if (mark.ring != number || mark.page >= pages_.size()) continue;
      if (pages_[mark.page] != nullptr) return false;
      pages_[mark.page] = memory_ + at;
      ++found;
    }
  }
  if (found != pages_.size()) return false;
  auto* const control = reinterpret_cast<RingControl*>(pages_[0]);
  __atomic_store_n(&control->is_found, 1, __ATOMIC_RELEASE);
  return true;
}

bool GuestRing::take(std::uint64_t count, std::vector<std::uint64_t>& pcs) {
  if (count > kRingRecords) return false;
  pcs.clear();
  while (pcs.size() < count) {
    const std::uint64_t at = taken_ % kRingRecords;
    const std::uint64_t n = std::min(count - pcs.size(), kRingPageWords - at % kRingPageWords);
    const auto* const words =
        reinterpret_cast<const std::uint64_t*>(pages_[1 + at / kRingPageWords]);
    pcs.insert(pcs.end(), words + at % kRingPageWords, words + at % kRingPageWords + n);
    taken_ += n;
  }
  auto* const control = reinterpret_cast<RingControl*>(pages_[0]);
  __atomic_store_n(&control->taken, taken_, __ATOMIC_RELEASE);
  return true;
}

}  // namespace kcov::lab
