// SPDX-License-Identifier: GPL-2.0-only OR MIT
// BANNER: never instrumented; runs in any context (sites.hpp), on whatever stack that has.
#include "port/host/site_table.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "core/memory.hpp"

namespace kcov::host {

namespace {

constexpr std::size_t kPage = 4096;
// As many sites as the largest programs have, and what a small limit of address space allows.
constexpr std::size_t kMostReserved = std::size_t{64} << 20;
constexpr std::size_t kLeastReserved = std::size_t{64} << 10;
// Made usable at a time.
constexpr std::size_t kStep = std::size_t{64} << 10;

bool reserve(SiteList& list, std::uintptr_t base) noexcept {
  for (std::size_t bytes = kMostReserved; bytes >= kLeastReserved; bytes /= 4) {
    // Without any protection it counts for no limit of memory.
    const long start = syscall(SYS_mmap, nullptr, bytes, PROT_NONE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == -1) continue;
    list.base = base;
    list.entries = reinterpret_cast<SiteEntry*>(start);
    list.reserved = bytes / sizeof(SiteEntry);
    return true;
  }
  return false;
}

bool make_usable(SiteList& list) noexcept {
  if (list.usable == list.reserved) return false;
  if (syscall(SYS_mprotect, list.entries + list.usable, kStep, PROT_READ | PROT_WRITE) != 0)
    return false;
  list.usable += kStep / sizeof(SiteEntry);
  return true;
}

}  // namespace

int NumberedTargets::number_of(std::uintptr_t site, std::uintptr_t target) noexcept {
  auto& row = targets_[set(site)];
  for (int number = 0; number < KCOV_CALL_TARGETS; ++number) {
    if (row[number] == 0) row[number] = target;
    if (row[number] == target) return number;
  }
  return -1;
}

std::uintptr_t NumberedTargets::target_of(std::uintptr_t site, unsigned number) const noexcept {
  return targets_[set(site)][number];
}

bool NumberedTargets::empty() const noexcept {
  return std::all_of(std::begin(targets_), std::end(targets_),
                     [](const auto& row) { return row[0] == 0; });
}

void NumberedTargets::forget() noexcept {
  for (auto& row : targets_) std::fill(std::begin(row), std::end(row), 0);
}

SiteEntry* SiteList::from(std::uintptr_t address) const noexcept {
  if (address <= base) return entries;
  if (address - base >= kSiteListSpan) return sorted_end();
  return std::lower_bound(entries, sorted_end(), entry(address));
}

// By a heap: no recursion and no memory.
void SiteList::sort() noexcept {
  if (sorted == count) return;
  SiteEntry* const end = entries + count;
  std::make_heap(entries, end);
  std::sort_heap(entries, end);
  store_once(count, static_cast<std::size_t>(std::unique(entries, end) - entries));
  sorted = count;
}

void SiteList::clear_marks() noexcept {
  for (SiteEntry* at = entries; at != entries + count; ++at) *at &= ~kDone;
}

void SiteList::keep_done() noexcept {
  SiteEntry* to = entries;
  for (const SiteEntry* at = entries; at != entries + count; ++at)
    if ((*at & kDone) != 0) *to++ = *at & ~kDone;
  store_once(count, static_cast<std::size_t>(to - entries));
  sorted = count;
}

SiteList* SiteTable::list_of(std::uintptr_t address) noexcept {
  const std::uintptr_t base = address & ~(kSiteListSpan - 1);
  for (SiteList& list : lists_)
    if (list.entries != nullptr && list.base == base) return &list;
  return nullptr;
}

SiteList* SiteTable::room_for(std::uintptr_t address) noexcept {
  SiteList* list = list_of(address);
  if (list == nullptr) {
    list = std::find_if(begin(), end(), [](SiteList& each) { return each.entries == nullptr; });
    if (list == end() || !reserve(*list, address & ~(kSiteListSpan - 1))) return nullptr;
    list->numbers = &numbers_[list - begin()];
  }
  if (list->count < list->usable) return list;
  // A library that is loaded again and again at one address is learnt anew each time, and
  // leaves its sites twice. Looked for each time that the list has doubled.
  if (list->count >= 2 * list->sorted) list->sort();
  return list->count < list->usable || make_usable(*list) ? list : nullptr;
}

std::size_t SiteTable::sites() const noexcept {
  std::size_t sum = 0;
  for (const SiteList& list : lists_) sum += load_once(list.count);
  return sum;
}

std::size_t SiteTable::bytes() const noexcept {
  std::size_t sum = 0;
  for (const SiteList& list : lists_) {
    const std::size_t count = load_once(list.count);
    if (count == 0) continue;
    sum += (count * sizeof(SiteEntry) + kPage - 1) / kPage * kPage + sizeof(NumberedTargets);
  }
  return sum;
}

}  // namespace kcov::host
