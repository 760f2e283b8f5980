// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "symbol/source_files.hpp"

#include <dwarf.h>

#include <set>

#include "symbol/source_path.hpp"

namespace kcov::symbol {

std::vector<std::string> source_files(Dwarf* dwarf) {
  std::set<std::string> names;
  Dwarf_CU* unit = nullptr;
  Dwarf_Off last = 0;
  Dwarf_Die die;
  while (dwarf != nullptr &&
         dwarf_get_units(dwarf, unit, &unit, nullptr, nullptr, &die, nullptr) == 0) {
    const Dwarf_Off offset = dwarf_dieoffset(&die);
    if (offset <= last) break;  // damaged: going round in circles
    last = offset;
    Dwarf_Attribute attribute;
    const char* const recorded = dwarf_formstring(dwarf_attr(&die, DW_AT_comp_dir, &attribute));
    const std::string directory = recorded == nullptr ? "" : recorded;
    Dwarf_Files* files = nullptr;
    std::size_t count = 0;
    if (dwarf_getsrcfiles(&die, &files, &count) != 0) continue;
    for (std::size_t i = 0; i < count; ++i) {
      const char* const name = dwarf_filesrc(files, i, nullptr, nullptr);
      if (name != nullptr) names.insert(source_path(name, directory));
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace kcov::symbol
