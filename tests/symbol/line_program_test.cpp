// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Our decoder of line programs against libdw's, at every address of every unit of the
// programs, and of this test itself, which has some thousand line sequences.
#include "symbol/line_program.hpp"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>

#include <algorithm>

#include "symbol/source_path.hpp"
#include "tests/symbol/programs.hpp"

namespace kcov::symbol {
namespace {

std::string text(const std::string& file, int line) { return file + ":" + std::to_string(line); }

// What libdw says of an address: of the last row at or before it.
std::string by_libdw(Dwarf_Lines* lines, std::size_t count, std::uint64_t address,
                     const char* directory) {
  Dwarf_Line* found = nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    Dwarf_Line* row = dwarf_onesrcline(lines, i);
    Dwarf_Addr start = 0;
    dwarf_lineaddr(row, &start);
    if (start > address) break;
    found = row;
  }
  bool ends = true;
  if (found == nullptr || dwarf_lineendsequence(found, &ends) != 0 || ends) return text("", 0);
  int line = 0;
  dwarf_lineno(found, &line);
  return text(source_path(dwarf_linesrc(found, nullptr, nullptr), directory), line);
}

std::vector<std::uint64_t> addresses_of(Dwarf_Die* unit, std::size_t step) {
  std::vector<std::uint64_t> addresses;
  Dwarf_Addr base = 0, start = 0, end = 0;
  for (std::ptrdiff_t at = 0; (at = dwarf_ranges(unit, at, &base, &start, &end)) > 0;) {
    if (start == 0) continue;  // dropped by the linker: passed over by ours
    for (; start < end; start += step) addresses.push_back(start);
  }
  std::sort(addresses.begin(), addresses.end());
  return addresses;
}

// Every `step`-th byte of each unit; returns how many were compared.
std::size_t compare(const std::string& path, std::size_t step) {
  elf_version(EV_CURRENT);
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  Elf* elf = elf_begin(descriptor, ELF_C_READ_MMAP, nullptr);
  Dwarf* dwarf = dwarf_begin_elf(elf, DWARF_C_READ, nullptr);
  const LineSections sections(elf);
  std::size_t compared = 0;
  Dwarf_CU* unit = nullptr;
  Dwarf_Die die;
  while (dwarf_get_units(dwarf, unit, &unit, nullptr, nullptr, &die, nullptr) == 0) {
    Dwarf_Attribute attribute;
    Dwarf_Word offset = 0;
    Dwarf_Lines* lines = nullptr;
    std::size_t count = 0;
    if (dwarf_formudata(dwarf_attr(&die, DW_AT_stmt_list, &attribute), &offset) != 0) continue;
    if (dwarf_getsrclines(&die, &lines, &count) != 0) continue;
    const char* directory = dwarf_formstring(dwarf_attr(&die, DW_AT_comp_dir, &attribute));
    const std::vector<std::uint64_t> addresses = addresses_of(&die, step);
    LineProgram program;
    EXPECT_TRUE(program.decode(sections, offset, addresses)) << path << " " << offset;
    for (std::size_t i = 0; i < program.rows().size(); ++i, ++compared) {
      const LineProgram::Row& row = program.rows()[i];
      const std::string ours =
          row.known ? text(source_path(program.file(row.file), directory), row.line) : text("", 0);
      EXPECT_EQ(ours, by_libdw(lines, count, addresses[i], directory)) << std::hex << addresses[i];
      if (::testing::Test::HasFailure()) break;
    }
  }
  dwarf_end(dwarf);
  elf_end(elf);
  close(descriptor);
  return compared;
}

TEST(LineProgram, AgreesWithLibdwOnSmallPrograms) {
  for (const char* name : {"shop-pie", "shop-fixed", "shop-dwarf4", "shop-compressed", "names",
#ifdef KCOV_TEST_CLANG
                           "shop-clang"
#endif
       }) {
    SCOPED_TRACE(name);
    EXPECT_GT(compare(program(name), 1), 50u);
  }
}

TEST(LineProgram, AgreesWithLibdwOnThisTest) { EXPECT_GT(compare("/proc/self/exe", 61), 1000u); }

TEST(LineProgram, RefusesWhatItDoesNotUnderstand) {
  using namespace std::string_view_literals;
  const std::vector<std::uint64_t> addresses{1, 2};
  for (const std::string_view bytes :
       {""sv, "\1"sv, "\0\0\0\0"sv, "\xff\xff\xff\xff\0\0\0\0\0\0\0\0"sv, "\2\0\0\0\5\0"sv,
        "\2\0\0\0\6\0"sv, "\x0a\0\0\0\3\0\4\0\0\0\1\1\xfb\0"sv}) {
    LineSections sections;
    sections.line = bytes;
    LineProgram program;
    EXPECT_FALSE(program.decode(sections, 0, addresses)) << bytes.size();
    EXPECT_FALSE(program.decode(sections, 1u << 30, addresses));
    EXPECT_EQ(program.file(0), "");
  }
}

}  // namespace
}  // namespace kcov::symbol
