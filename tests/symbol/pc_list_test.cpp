// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The rawcover reader: what it takes, and how it says what it does not take.
#include "symbol/pc_list.hpp"

#include <fstream>

#include "tests/symbol/programs.hpp"

namespace kcov::symbol {
namespace {

using Pcs = std::vector<std::uint64_t>;

std::string error_of(std::string_view text) {
  const auto result = parse_pc_list(text, "list.txt");
  return result ? "no error" : result.error().message;
}

TEST(PcList, OnePcPerLineInOrderWithDuplicates) {
  const auto result = parse_pc_list("0xffffffff81000000\n0x10\n0x10\n0xABcd", "list.txt");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(*result, (Pcs{0xffffffff81000000, 0x10, 0x10, 0xabcd}));
}

TEST(PcList, BlankLinesAndSpaceAreAllowed) {
  const auto result = parse_pc_list("\n  0x1\t\r\n \t \r\n\n0x2 \n", "list.txt");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(*result, (Pcs{1, 2}));
}

TEST(PcList, EmptyIsNoPcs) {
  ASSERT_TRUE(parse_pc_list("", "list.txt"));
  EXPECT_TRUE(parse_pc_list("", "list.txt")->empty());
}

TEST(PcList, AnythingElseNamesFileLineAndText) {
  EXPECT_EQ(error_of("0x1\n\nvfs_read+0x26\n"),
            "cannot read PCs from \"list.txt\": line 3 is \"vfs_read+0x26\", but should be one "
            "address such as 0xffffffff81000000");
  for (const char* line : {"1234", "0x", "0xg", "0x1 0x2", "0x1,", "-0x1", "0x-1", "0x 1",
                           "0x10000000000000000", "# comment", "x1"}) {
    EXPECT_NE(error_of(line).find("line 1 is \"" + std::string(line) + "\""), std::string::npos)
        << line << ": " << error_of(line);
  }
}

TEST(PcList, ControlCharactersAreEscaped) {
  using namespace std::string_view_literals;
  const std::string message = error_of("\x1b[2Jx\0\xff\"\\"sv);
  EXPECT_NE(message.find(R"("\x1b[2Jx\x00\xff\x22\x5c")"), std::string::npos) << message;
}

TEST(PcList, LongLinesAreTruncated) {
  const std::string message = error_of(std::string(100000, 'y'));
  EXPECT_LT(message.size(), 200u);
  EXPECT_NE(message.find("yyy...\""), std::string::npos) << message;
}

TEST(PcList, ReadsFiles) {
  const std::string path = scratch_path();
  std::ofstream(path) << "0x7\n0x8\n";
  const auto result = read_pc_list(path);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(*result, (Pcs{7, 8}));
  EXPECT_EQ(std::remove(path.c_str()), 0);
  const auto missing = read_pc_list(path);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "cannot read " + path + ": No such file or directory");
  EXPECT_FALSE(read_pc_list(::testing::TempDir()));
}

// An endless line would be endless memory.
TEST(PcList, a_file_without_lines_is_refused_before_it_is_read_to_its_end) {
  const auto endless = read_pc_list("/dev/zero");
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().message,
            "cannot read /dev/zero: it has a line of more than 1048576 bytes");
}

}  // namespace
}  // namespace kcov::symbol
