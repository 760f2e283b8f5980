// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Which compile unit does an address belong to?
#include "symbol/unit_map.hpp"

#include <algorithm>
#include <cstddef>

namespace kcov::symbol {

UnitMap::UnitMap(Dwarf* dwarf) : dwarf_(dwarf) {
  Dwarf_Aranges* all = nullptr;
  std::size_t count = 0;
  if (dwarf_ == nullptr || dwarf_getaranges(dwarf_, &all, &count) != 0) return;
  for (std::size_t i = 0; i < count; ++i) {
    Dwarf_Addr start = 0;
    Dwarf_Word length = 0;
    Dwarf_Off unit = 0;
    if (dwarf_getarangeinfo(dwarf_onearange(all, i), &start, &length, &unit) == 0 && length != 0)
      aranges_.push_back({start, start + length, unit});
  }
  std::sort(aranges_.begin(), aranges_.end(), is_before);
}

Dwarf_Off UnitMap::find(const std::vector<Range>& ranges, std::uint64_t address,
                        std::size_t& last) {
  const auto is_at = [&](std::size_t i) {
    return i < ranges.size() && ranges[i].start <= address &&
           (i + 1 == ranges.size() || address < ranges[i + 1].start);
  };
  if (!is_at(last)) {
    const auto next =
        std::upper_bound(ranges.begin(), ranges.end(), address,
                         [](std::uint64_t a, const Range& range) { return a < range.start; });
    if (next == ranges.begin()) return none;
    last = static_cast<std::size_t>(next - ranges.begin()) - 1;
  }
  return address < ranges[last].end ? ranges[last].unit : none;
}

Dwarf_Off UnitMap::find(std::uint64_t address) {
  if (dwarf_ == nullptr) return none;
  const Dwarf_Off unit = find(aranges_, address, last_arange_);
  if (unit != none) return unit;
  if (!unit_ranges_read_) read_unit_ranges();
  return find(unit_ranges_, address, last_unit_range_);
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
  std::sort(unit_ranges_.begin(), unit_ranges_.end(), is_before);
}

}  // namespace kcov::symbol
