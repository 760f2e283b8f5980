// SPDX-License-Identifier: GPL-2.0-only OR MIT
// --source: executed lines and what is around them; what is not at hand; what is not to be read.
#include <gtest/gtest.h>

#include <filesystem>

#include "report/source_text.hpp"
#include "support/files.hpp"
#include "tests/unit/recordings.hpp"

namespace kcov::report {
namespace {

namespace fs = std::filesystem;
using coverage::Recording;
using test::name_store;

class SourceView : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<TemporaryDirectory> made = TemporaryDirectory::create(fs::temp_directory_path(), "kcov");
    ASSERT_TRUE(made);
    scratch_ = std::make_unique<TemporaryDirectory>(*std::move(made));
    root_ = scratch_->path() / "source";
    fs::create_directories(root_ / "fs");
    std::string text;
    for (int i = 1; i <= 20; ++i) text += "\tline " + std::to_string(i) + ";\n";
    ASSERT_TRUE(write_file(root_ / "fs/open.c", text));
    ASSERT_TRUE(write_file(scratch_->path() / "secret", "secret 1\nsecret 2\n"));
  }

  void execute(std::string_view function, std::string_view file, int line, int times) {
    const symbol::Frame frame{name_store.keep(function), name_store.keep(file), line, false};
    const auto number = static_cast<std::uint32_t>(recording_.locations.size());
    recording_.locations.push_back({.pc = number,
                                    .symbol = name_store.keep(function),
                                    .frames = name_store.keep(std::span(&frame, 1))});
    if (recording_.tasks.empty()) recording_.tasks.emplace_back();
    for (int i = 0; i < times; ++i) recording_.tasks[0].records.push_back(number);
  }

  SourceText text(std::size_t context = 1, const Look& look = 0) {
    return text_of_source(recording_, SourceFiles(root_), context, look);
  }

  std::unique_ptr<TemporaryDirectory> scratch_;
  fs::path root_;
  Recording recording_;
};

TEST_F(SourceView, executed_lines_stand_among_those_around_them) {
  execute("do_open", "fs/open.c", 4, 12);
  execute("do_open", "fs/open.c", 6, 1);
  execute("do_open", "fs/open.c", 12, 3);
  // Another block of a line that has one: it is as often executed as the one that was most often.
  execute("do_open", "fs/open.c", 12, 2);
  execute("first", "fs/open.c", 1, 2);
  execute("last", "fs/open.c", 20, 2);
  const SourceText source = text();
  EXPECT_EQ(source.text,
            "fs/open.c\n"
            "  first\n"
            "       ×2      1:        line 1;\n"
            "               2-        line 2;\n"
            "  do_open\n"
            "               3-        line 3;\n"
            "      ×12      4:        line 4;\n"
            "               5-        line 5;\n"
            "       ×1      6:        line 6;\n"
            "               7-        line 7;\n"
            "       --\n"
            "              11-        line 11;\n"
            "       ×3     12:        line 12;\n"
            "              13-        line 13;\n"
            "  last\n"
            "              19-        line 19;\n"
            "       ×2     20:        line 20;\n");
  EXPECT_EQ(source.missing, "");
  EXPECT_EQ(text(0).text.find('-'), text(0).text.find("--"));
}

TEST_F(SourceView, what_is_not_at_hand_is_numbers_and_said_once) {
  execute("do_open", "fs/open.c", 4, 1);
  execute("gone", "fs/gone.c", 4, 1);
  execute("gone", "fs/gone.c", 5, 1);
  execute("gone", "fs/gone.c", 9, 1);
  const SourceText source = text();
  EXPECT_NE(source.text.find("fs/gone.c\n  gone: 4-5, 9\n"), std::string::npos) << source.text;
  EXPECT_EQ(source.missing, "1 of 2 source files are not in " + root_.string() +
                                " (fs/gone.c), their lines are shown by number");
  const SourceText none = text_of_source(recording_, SourceFiles({}), 2, 0);
  EXPECT_NE(none.text.find("fs/open.c\n  do_open: 4\n"), std::string::npos) << none.text;
  EXPECT_EQ(none.missing,
            "the source is not at hand, lines are shown by number: name it with --source-dir DIR");
  EXPECT_NE(text_of_source(recording_, SourceFiles(root_ / "fs"), 2, 0)
                .missing.find("has none of the source files"),
            std::string::npos);
}

TEST_F(SourceView, a_source_of_another_version_is_found_out_where_it_can_be) {
  execute("do_open", "fs/open.c", 4, 1);
  execute("do_open", "fs/open.c", 400, 1);
  const SourceText source = text();
  EXPECT_NE(source.text.find("  do_open: 4, 400\n"), std::string::npos) << source.text;
  EXPECT_EQ(source.missing, "fs/open.c ends before lines of it that were executed: the source in " +
                                root_.string() + " is of another version");
}

// A recording may name any file; only the source's own are shown.
TEST_F(SourceView, nothing_is_read_from_elsewhere) {
  fs::create_symlink(scratch_->path() / "secret", root_ / "fs/link.c");
  fs::create_directory(root_ / "fs/directory.c");
  for (const std::string& name :
       {std::string("../secret"), std::string("fs/../../secret"), std::string("fs/link.c"),
        (scratch_->path() / "secret").string(), std::string("/etc/passwd"),
        std::string("fs/directory.c"), std::string("."), std::string("fs/open.c/x")})
    EXPECT_EQ(SourceFiles(root_).read(name).line_count(), 0u) << name;
  EXPECT_EQ(SourceFiles(root_).read("fs/../fs/open.c").line_count(), 20u);
  EXPECT_EQ(SourceFiles(root_).read((root_ / "fs/open.c").string()).line_count(), 20u);
}

TEST_F(SourceView, text_and_names_are_harmless_and_fit) {
  ASSERT_TRUE(write_file(root_ / "fs/evil.c",
                         "\033[2J wide 漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字 end\r\nno end"));
  execute("evil\033[31m\n", "fs/evil.c", 1, 1);
  execute("a_function_whose_name_is_longer_than_all_the_columns_that_there_are", "fs/evil.c", 2, 1);
  const std::string shown = text(2, 40).text;
  EXPECT_EQ(shown.find('\033'), std::string::npos);
  EXPECT_NE(shown.find("  evil?[31m?\n"), std::string::npos) << shown;
  EXPECT_NE(shown.find("?[2J wide 漢字漢字漢...\n"), std::string::npos) << shown;
  EXPECT_NE(shown.find("2:no end\n"), std::string::npos) << shown;
  EXPECT_NE(shown.find("..."), std::string::npos);
}

}  // namespace
}  // namespace kcov::report
