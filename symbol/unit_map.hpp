// SPDX-License-Identifier: GPL-2.0-only OR MIT
//
// Which compile unit does an address belong to?
//
// .debug_aranges answers without touching .debug_info. gcc writes it, clang does not
// unless asked to, so an address that it does not know is looked up in the units' own
// ranges, which are read once, when the first such address comes.
#pragma once

#include <elfutils/libdw.h>

#include <cstdint>
#include <vector>

namespace kcov::symbol {

class UnitMap {
 public:
  // Null is allowed, and knows no unit. The Dwarf must outlive this.
  explicit UnitMap(Dwarf* dwarf);

  static constexpr Dwarf_Off none = ~Dwarf_Off{0};

  // The offset in .debug_info of the unit's DIE, or `none`.
  Dwarf_Off find(std::uint64_t address);

 private:
  struct Range {
    std::uint64_t start;
    std::uint64_t end;
    Dwarf_Off unit;
  };

  void read_unit_ranges();

  Dwarf* dwarf_;
  Dwarf_Aranges* aranges_ = nullptr;
  bool unit_ranges_read_ = false;
  std::vector<Range> unit_ranges_;  // by start
  Range last_{0, 0, none};          // the one found last: most questions are near each other
};

}  // namespace kcov::symbol
