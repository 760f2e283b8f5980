// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The call sites that are known, as their return addresses: 4 bytes each.
//
// Programs and libraries lie far apart, so there is a list for each 2 GiB of addresses that
// have any. A list is reserved address space of which no more than is used gets memory:
//
//   entries   [ sorted, each once         | as they came          | reserved ...
//             0                           sorted                  count
//   an entry  bits 31..1: address less the list's base; bit 0: `done`, a mark for whoever
//             goes through the list, clear otherwise
//
// And what calls lead to that are prefixes (call_site.hpp), which have no room for more than its
// number: 27 targets for the sites of each MiB, of which every sixteenth shares them. A
// library has one for each callback that it calls, a dozen at most.
//
// Nothing here allocates from the C library. Who may call: one thread at a time (sites.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include "port/x86_64/unmade_call.h"

namespace kcov::host {

using SiteEntry = std::uint32_t;

class NumberedTargets {
 public:
  // The number of `target` for the site that returns to `site`; -1: none is left.
  int number_of(std::uintptr_t site, std::uintptr_t target) noexcept;
  // The target that has the number, or 0.
  std::uintptr_t target_of(std::uintptr_t site, unsigned number) const noexcept;
  bool empty() const noexcept;
  // Only when no site is known by its number.
  void forget() noexcept;

 private:
  static constexpr std::size_t kSets = 16;
  static constexpr std::size_t set(std::uintptr_t site) noexcept { return (site >> 20) % kSets; }

  std::uintptr_t targets_[kSets][KCOV_CALL_TARGETS];  // each row from the first on
};

struct SiteList {
  std::uintptr_t base = 0;
  SiteEntry* entries = nullptr;  // null: the list is not used
  std::size_t count = 0;
  std::size_t sorted = 0;
  std::size_t usable = 0;              // entries that can be written to
  std::size_t reserved = 0;            // entries that there is address space for
  NumberedTargets* numbers = nullptr;  // its own, where the list is used

  static constexpr SiteEntry kDone = 1;
  std::uintptr_t address(SiteEntry entry) const noexcept { return base + (entry >> 1); }
  SiteEntry entry(std::uintptr_t address) const noexcept {
    return static_cast<SiteEntry>((address - base) << 1);
  }
  // The first of the sorted ones whose address is `address` or above.
  SiteEntry* from(std::uintptr_t address) const noexcept;
  SiteEntry* sorted_end() const noexcept { return entries + sorted; }
  // Sorts all, each once.
  void sort() noexcept;
  void clear_marks() noexcept;
  // Forgets the entries that are not marked as done (all are sorted), and clears the marks.
  void keep_done() noexcept;
};

inline constexpr std::size_t kSiteLists = 16;
inline constexpr std::uintptr_t kSiteListSpan = std::uintptr_t{1} << 31;

class SiteTable {
 public:
  // The list for `address`; null when it has none.
  SiteList* list_of(std::uintptr_t address) noexcept;
  // The same with room for one more, or null when there is no room to be had.
  SiteList* room_for(std::uintptr_t address) noexcept;

  // Of which some are not used.
  SiteList* begin() noexcept { return lists_; }
  SiteList* end() noexcept { return lists_ + kSiteLists; }

  // Safe to ask at any time.
  std::size_t sites() const noexcept;
  std::size_t bytes() const noexcept;

 private:
  SiteList lists_[kSiteLists];
  // Apart, so that who goes through the lists touches no memory of those that are not used.
  NumberedTargets numbers_[kSiteLists]{};
};

}  // namespace kcov::host
