// SPDX-License-Identifier: GPL-2.0-only OR MIT
// One spelling for each file.
#include "symbol/source_path.hpp"

#include <gtest/gtest.h>

namespace kcov::symbol {
namespace {

TEST(SourcePath, BelowTheDirectoryIsRelative) {
  EXPECT_EQ(source_path("/src/linux/mm/slub.c", "/src/linux"), "mm/slub.c");
  EXPECT_EQ(source_path("/src/linux/mm/slub.c", "/src/linux/"), "mm/slub.c");
  EXPECT_EQ(source_path("mm/slub.c", "/src/linux"), "mm/slub.c");
  EXPECT_EQ(source_path("mm/slub.c", ""), "mm/slub.c");
  EXPECT_EQ(source_path("mm/slub.c", "."), "mm/slub.c");
}

TEST(SourcePath, DotsAreWorkedOut) {
  EXPECT_EQ(source_path("./include/linux/mm.h", "/src/linux"), "include/linux/mm.h");
  EXPECT_EQ(source_path("/src/linux/fs/../mm//./slub.c", "/src/linux"), "mm/slub.c");
  EXPECT_EQ(source_path("../linux/mm/slub.c", "/src/build"), "/src/linux/mm/slub.c");
  EXPECT_EQ(source_path("/../../a.c", "/src"), "/a.c");
  EXPECT_EQ(source_path("../../a.c", ""), "../../a.c");
  EXPECT_EQ(source_path("x/../../a.c", ""), "../a.c");
}

TEST(SourcePath, OutsideTheDirectoryIsAbsolute) {
  EXPECT_EQ(source_path("/usr/include/stdio.h", "/src/linux"), "/usr/include/stdio.h");
  EXPECT_EQ(source_path("/src/linux2/a.c", "/src/linux"), "/src/linux2/a.c");
  EXPECT_EQ(source_path("/src/a.c", "/"), "/src/a.c");
  EXPECT_EQ(source_path("/src/a.c", ""), "/src/a.c");
}

TEST(SourcePath, OddInputIsTakenAsItIs) {
  EXPECT_EQ(source_path("", "/src"), "");
  EXPECT_EQ(source_path("/src", "/src"), "/src");
  EXPECT_EQ(source_path("<built-in>", "/src"), "<built-in>");
}

}  // namespace
}  // namespace kcov::symbol
