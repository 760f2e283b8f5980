// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Names on a terminal: harmless, and in their columns.
#include "report/printable.hpp"

#include <gtest/gtest.h>

namespace kcov::report {
namespace {

TEST(Printable, what_moves_a_terminal_is_a_question_mark) {
  EXPECT_EQ(printable("ksys_read"), "ksys_read");
  EXPECT_EQ(printable("\033[31mred\n\r\t\b\x7f"), "?[31mred?????");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a?b");
  // No UTF-8; the 8-bit control characters; cut off; too long a form of '/'.
  EXPECT_EQ(printable("\xff\xfe"), "??");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "?31m");
  EXPECT_EQ(printable("x\xe6\xbc"), "x??");
  EXPECT_EQ(printable("\xc0\xaf"), "??");
  // From right to left; no columns; sits on the letter before it.
  EXPECT_EQ(printable("a\u202eb\u2066c\u200bd\u0301"), "a?b?c?d?");
  EXPECT_EQ(printable("naïve 漢字 ×"), "naïve 漢字 ×");
}

TEST(Printable, wide_characters_take_two_columns) {
  EXPECT_EQ(columns_of("abc"), 3u);
  EXPECT_EQ(columns_of("漢字"), 4u);
  EXPECT_EQ(columns_of("×é"), 2u);
}

TEST(Printable, long_names_lose_their_middle) {
  EXPECT_EQ(shortened("a_long_name_of_a_function", 11), "a_lo...tion");
  EXPECT_EQ(shortened("a_long_name_of_a_function", 0), "a_long_name_of_a_function");
  EXPECT_EQ(shortened("exact", 5), "exact");
  EXPECT_EQ(shortened("other", 4), "...r");
  EXPECT_EQ(shortened("other", 2), "..");
  // Half a character is none.
  EXPECT_EQ(shortened("漢字漢字漢字", 8), "漢...字");
  EXPECT_EQ(columns_of(shortened("漢字漢字漢字", 9)), 7u);
}

TEST(Printable, names_of_files_keep_their_end) {
  EXPECT_EQ(shortened_path("drivers/a/long/way/to/file.c:123", 15), "...o/file.c:123");
  EXPECT_EQ(shortened_path("drivers/a/long/way/to/file.c:123", 27), "driver.../way/to/file.c:123");
}

TEST(Printable, or_their_end) {
  EXPECT_EQ(cut_off("sh -c something", 10), "sh -c s...");
  EXPECT_EQ(cut_off("sh -c", 10), "sh -c");
  EXPECT_EQ(cut_off("漢字漢字", 6), "漢...");
}

TEST(Printable, cells_are_as_wide_as_they_are_to_be) {
  EXPECT_EQ(cell("ab", 4), "ab  ");
  EXPECT_EQ(cell("漢", 4), "漢  ");
  EXPECT_EQ(cell("a\nb", 4), "a?b ");
  EXPECT_EQ(cell("abcdefgh", 5), "a...h");
  EXPECT_EQ(cell("漢字漢字", 6), "...字 ");
}

}  // namespace
}  // namespace kcov::report
