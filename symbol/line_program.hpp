// SPDX-License-Identifier: GPL-2.0-only OR MIT
//
// Decodes the line program of one compile unit for the addresses that are asked for, and
// keeps nothing else.
//
// libdw makes an object of each row and sorts them all, at some 90 ns a row; a kernel has
// millions, of which a trace needs some thousand. Here the program's state machine runs
// over the bytes once, with the sorted addresses beside it, and a row is looked at only if
// an address lies between it and the next one.
//
// Understood is what gcc, clang and the GNU assembler write for 64-bit little-endian
// machines: DWARF 2 to 5 in its 32-bit format, one operation per instruction. For anything
// else, and for damage, decode() says false, and the caller asks libdw.
#pragma once

#include <libelf.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kcov::symbol {

// The bytes of the sections that line programs are in; empty where there are none.
struct LineSections {
  std::string_view line;      // .debug_line
  std::string_view line_str;  // .debug_line_str
  std::string_view str;       // .debug_str

  LineSections() = default;
  // Uncompressed by libdw before this: the Dwarf must have been opened. Stays empty for an
  // ELF that is not 64-bit little-endian.
  explicit LineSections(Elf* elf);
};

class LineProgram {
 public:
  struct Row {
    std::uint64_t file = 0;
    int line = 0;
    bool known = false;  // whether any row describes the address
  };

  // `offset` is the unit's DW_AT_stmt_list; `addresses` are sorted.
  bool decode(const LineSections& sections, std::uint64_t offset,
              std::span<const std::uint64_t> addresses);

  // One for each address.
  const std::vector<Row>& rows() const { return rows_; }

  // The name of a file, as DW_AT_call_file and Row::file number them: with its directory,
  // relative to the unit's or absolute. Empty for a number that stands for none.
  std::string file(std::uint64_t index) const;

 private:
  struct Header;
  struct File {
    std::string_view name;
    std::uint64_t directory = 0;
  };
  class Cursor;

  bool read_header(Cursor& in, Header& header, const LineSections& sections);
  bool read_old_tables(Cursor& in);
  bool read_tables(Cursor& in, const LineSections& sections);
  bool run(Cursor& in, const Header& header, std::span<const std::uint64_t> addresses);

  std::vector<std::string_view> directories_;
  std::vector<File> files_;
  std::vector<Row> rows_;
};

}  // namespace kcov::symbol
