// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <gtest/gtest.h>

#include "lab/kernel.hpp"
#include "lab/source.hpp"
#include "support/command.hpp"
#include "support/files.hpp"

namespace fs = std::filesystem;

namespace kcov {
namespace {

TEST(Files, a_write_that_fails_leaves_nothing_and_says_so) {
  const Status status = write_file("/nonexistent/file", "x");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "cannot write /nonexistent/file: No such file or directory");
}

TEST(Files, a_file_is_replaced_whole_and_keeps_its_mode) {
  auto directory = TemporaryDirectory::create(testing::TempDir(), "files.");
  ASSERT_TRUE(directory);
  const fs::path path = directory->path() / "file";
  ASSERT_TRUE(write_file(path, "old"));
  fs::permissions(path, fs::perms::owner_all);
  ASSERT_TRUE(write_file(path, "new\n"));
  EXPECT_EQ(*read_file(path), "new\n");
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all);
  // Nothing else is left there.
  EXPECT_EQ(std::distance(fs::directory_iterator(directory->path()), fs::directory_iterator()), 1);
}

TEST(Files, in_dev_shm_are_ordinary_files) {
  auto directory = TemporaryDirectory::create("/dev/shm", "files.");
  if (!directory) GTEST_SKIP() << "no /dev/shm to write to";
  const fs::path path = directory->path() / "file";
  ASSERT_TRUE(write_file(path, "old"));
  ASSERT_TRUE(write_file(path, "new"));
  EXPECT_EQ(*read_file(path), "new");
}

TEST(Command, gives_lines_and_the_exit_status) {
  std::vector<std::string> lines;
  const auto status =
      run_command({.arguments = {"sh", "-c", "echo one; echo two >&2; printf $X; exit 9"},
                   .directory = "/",
                   .environment = {"X=three"},
                   .on_line = [&](std::string_view line) { lines.emplace_back(line); }});
  ASSERT_TRUE(status);
  EXPECT_EQ(*status, 9);
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "three"}));
}

TEST(Command, a_signal_is_128_and_its_number) {
  const auto status = run_command(
      {.arguments = {"sh", "-c", "kill -9 $$"}, .directory = {}, .environment = {}, .on_line = {}});
  ASSERT_TRUE(status);
  EXPECT_EQ(*status, 137);
}

TEST(Source, a_directory_that_is_no_kernel_tree_is_refused) {
  const auto source = lab::find_source("/etc", "6.12");
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().message,
            "cannot use /etc as kernel source: its Makefile does not say VERSION and PATCHLEVEL");
}

TEST(Source, what_is_not_there_is_named) {
  const auto source = lab::find_source("/nonexistent", "6.12");
  ASSERT_FALSE(source);
  EXPECT_NE(source.error().message.find("/nonexistent"), std::string::npos);
}

TEST(Kernel, a_damaged_description_says_what_to_do) {
  auto directory = TemporaryDirectory::create(testing::TempDir(), "kernel.");
  ASSERT_TRUE(directory);
  ASSERT_TRUE(write_file(directory->path() / "kernel.json", "{"));
  const auto kernel = lab::read_kernel(directory->path());
  ASSERT_FALSE(kernel);
  EXPECT_NE(kernel.error().message.find("run kcovtool lab build"), std::string::npos);
}

}  // namespace
}  // namespace kcov
