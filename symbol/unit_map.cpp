// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Which compile unit does an address belong to?
#include "symbol/unit_map.hpp"

#include <algorithm>
#include <cstddef>

namespace kcov::symbol {

UnitMap::UnitMap(Dwarf* dwarf) : dwarf_(dwarf) {
  std::size_t count = 0;
  if (dwarf_ == nullptr || dwarf_getaranges(dwarf_, &aranges_, &count) != 0) aranges_ = nullptr;
}

Dwarf_Off UnitMap::find(std::uint64_t address) {
  if (dwarf_ == nullptr) return none;
  if (last_.start <= address && address < last_.end) return last_.unit;
  if (aranges_ != nullptr) {
    Dwarf_Arange* range = dwarf_getarange_addr(aranges_, address);
    Dwarf_Addr start = 0;
    Dwarf_Word length = 0;
    Dwarf_Off unit = 0;
    if (range != nullptr && dwarf_getarangeinfo(range, &start, &length, &unit) == 0) {
      last_ = {start, start + length, unit};
      return unit;
    }
  }
  if (!unit_ranges_read_) read_unit_ranges();
  auto it = std::upper_bound(unit_ranges_.begin(), unit_ranges_.end(), address,
                             [](std::uint64_t a, const Range& range) { return a < range.start; });
  if (it == unit_ranges_.begin() || address >= (--it)->end) return none;
  return it->unit;
}

void UnitMap::read_unit_ranges() {
  unit_ranges_read_ = true;
  Dwarf_CU* unit = nullptr;
  Dwarf_Off last = 0;
  Dwarf_Die die;
  while (dwarf_get_units(dwarf_, unit, &unit, nullptr, nullptr, &die, nullptr) == 0) {
    const Dwarf_Off offset = dwarf_dieoffset(&die);
    if (offset <= last) break;  // damaged: going round in circles
    last = offset;
    Dwarf_Addr base = 0;
    Dwarf_Addr start = 0;
    Dwarf_Addr end = 0;
    for (std::ptrdiff_t at = 0; (at = dwarf_ranges(&die, at, &base, &start, &end)) > 0;) {
      if (start < end) unit_ranges_.push_back({start, end, offset});
    }
  }
  std::sort(unit_ranges_.begin(), unit_ranges_.end(),
            [](const Range& a, const Range& b) { return a.start < b.start; });
}

}  // namespace kcov::symbol
