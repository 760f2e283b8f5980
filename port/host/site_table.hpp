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
// Nothing here allocates from the C library. Who may call: one thread at a time (sites.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

namespace kcov::host {

using SiteEntry = std::uint32_t;

struct SiteList {
  std::uintptr_t base = 0;
  SiteEntry* entries = nullptr;  // null: the list is not used
  std::size_t count = 0;
  std::size_t sorted = 0;
  std::size_t usable = 0;    // entries that can be written to
  std::size_t reserved = 0;  // entries that there is address space for

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
};

}  // namespace kcov::host
