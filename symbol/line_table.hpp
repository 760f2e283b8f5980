// SPDX-License-Identifier: GPL-2.0-only OR MIT
// File and line of addresses in one compile unit, and the names of its files, kept in Names.
#pragma once

#include <elfutils/libdw.h>

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>

#include "symbol/line_program.hpp"
#include "symbol/location.hpp"

namespace kcov::symbol {

// Made once for each unit that an address falls into. Decodes the unit's line program
// itself where it can (line_program.hpp), and asks libdw where not.
class LineTable {
 public:
  // A unit that was split off (.dwo) has file numbers of its own, hence two DIEs: the one
  // with the lines, and the one whose functions ask for file(). The addresses are sorted.
  LineTable(Dwarf_Die lines_unit, Dwarf_Die functions_unit, const LineSections& sections,
            std::span<const std::uint64_t> addresses, Names& names);

  struct Position {
    std::string_view file;  // empty if the table has no row for the address
    int line = 0;
  };
  // Of addresses[index].
  Position find(std::size_t index);

  // What DW_AT_call_file means by this number.
  std::string_view file(Dwarf_Word index);

 private:
  Position find_by_libdw(std::uint64_t address);
  std::string_view file_by_libdw(Dwarf_Word index);
  std::string_view spelled(const char* recorded);

  Names& names_;
  Dwarf_Die functions_unit_;
  std::span<const std::uint64_t> addresses_;
  std::string directory_;  // that the compiler ran in
  bool decoded_ = false;   // by us
  LineProgram program_;
  std::unordered_map<std::uint64_t, std::string_view>
      files_;  // by number, as source_path() spells them
  Dwarf_Lines* lines_ = nullptr;
  std::size_t line_count_ = 0;
};

}  // namespace kcov::symbol
