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
  static bool is_before(const Range& a, const Range& b) { return a.start < b.start; }

  void read_unit_ranges();

  // Both in order of starts. `last`: the place of the answer before, which is most often this one.
  static Dwarf_Off find(const std::vector<Range>& ranges, std::uint64_t address, std::size_t& last);

  Dwarf* dwarf_;
  std::vector<Range> aranges_;
  std::size_t last_arange_ = 0;
  bool unit_ranges_read_ = false;
  std::vector<Range> unit_ranges_;
  std::size_t last_unit_range_ = 0;
};

}  // namespace kcov::symbol
