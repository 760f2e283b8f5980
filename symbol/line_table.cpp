// SPDX-License-Identifier: GPL-2.0-only OR MIT
//
// Our own decoder does the work; the search in libdw's rows below is for what it refuses.
// A row of the line table holds from its address to that of the next row. libdw returns
// the rows sorted, and rows of the same address in the order the compiler wrote them: the
// last of those is the one that describes the code there, the others are empty. A row
// that ends a sequence describes nothing: what follows is a hole.
#include "symbol/line_table.hpp"

#include <dwarf.h>

#include "symbol/source_path.hpp"

namespace kcov::symbol {
namespace {

Dwarf_Addr address_of(Dwarf_Line* line) {
  Dwarf_Addr address = 0;
  dwarf_lineaddr(line, &address);
  return address;
}

std::string string_attribute(Dwarf_Die* die, unsigned name) {
  Dwarf_Attribute attribute;
  const char* text = dwarf_formstring(dwarf_attr(die, name, &attribute));
  return text == nullptr ? "" : text;
}

}  // namespace

LineTable::LineTable(Dwarf_Die lines_unit, Dwarf_Die functions_unit, const LineSections& sections,
                     std::span<const std::uint64_t> addresses, Names& names)
    : names_(names),
      functions_unit_(functions_unit),
      addresses_(addresses),
      directory_(string_attribute(&lines_unit, DW_AT_comp_dir)) {
  Dwarf_Attribute attribute;
  Dwarf_Word offset = 0;
  const bool is_split = lines_unit.addr != functions_unit.addr;
  decoded_ = !is_split &&
             dwarf_formudata(dwarf_attr(&lines_unit, DW_AT_stmt_list, &attribute), &offset) == 0 &&
             program_.decode(sections, offset, addresses);
  if (!decoded_ && dwarf_getsrclines(&lines_unit, &lines_, &line_count_) != 0) line_count_ = 0;
}

LineTable::Position LineTable::find(std::size_t index) {
  if (!decoded_) return find_by_libdw(addresses_[index]);
  const LineProgram::Row& row = program_.rows()[index];
  return row.known ? Position{file(row.file), row.line} : Position{};
}

std::string_view LineTable::file(Dwarf_Word index) {
  auto [entry, is_new] = files_.try_emplace(index);
  if (is_new) {
    entry->second = decoded_ ? names_.keep(source_path(program_.file(index), directory_))
                             : file_by_libdw(index);
  }
  return entry->second;
}

LineTable::Position LineTable::find_by_libdw(std::uint64_t address) {
  std::size_t low = 0;  // the rows before it are at or below the address
  std::size_t high = line_count_;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (address_of(dwarf_onesrcline(lines_, middle)) <= address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return {};
  Dwarf_Line* row = dwarf_onesrcline(lines_, low - 1);
  bool ends_sequence = false;
  if (row == nullptr || dwarf_lineendsequence(row, &ends_sequence) != 0 || ends_sequence) return {};
  Position position;
  dwarf_lineno(row, &position.line);
  position.file = spelled(dwarf_linesrc(row, nullptr, nullptr));
  return position;
}

std::string_view LineTable::file_by_libdw(Dwarf_Word index) {
  Dwarf_Files* files = nullptr;
  std::size_t count = 0;
  if (dwarf_getsrcfiles(&functions_unit_, &files, &count) != 0) return {};
  return spelled(dwarf_filesrc(files, index, nullptr, nullptr));
}

std::string_view LineTable::spelled(const char* recorded) {
  return recorded == nullptr ? std::string_view() : names_.keep(source_path(recorded, directory_));
}

}  // namespace kcov::symbol
