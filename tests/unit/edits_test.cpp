// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The anchored edits, on trees of our own making.
#include "lab/edits.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/files.hpp"

namespace fs = std::filesystem;

namespace kcov::lab {
namespace {

Edit replacement(std::string pattern, std::string with) {
  Edit edit;
  edit.name = "the-edit";
  edit.scope = "ours";
  edit.file = "some/file.c";
  edit.replace = std::move(pattern);
  edit.with = std::move(with);
  return edit;
}

Edit block() {
  Edit edit;
  edit.name = "the-block";
  edit.scope = "ours";
  edit.file = "some/file.h";
  edit.within = "struct box \\{";
  edit.replace_block = "CONFIG_X";
  edit.with = "\tint ours;";
  return edit;
}

TEST(Edits, replaces_an_anchor_that_is_there_once) {
  const auto text = apply_edit(replacement("(size = )12;", "$0134;"), "int size = 12;\n");
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, "int size = 34;\n");
}

TEST(Edits, an_anchor_that_is_gone_names_edit_file_and_expectation) {
  const auto text = apply_edit(replacement("size = 12;", "x"), "int size = 13;\n");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().message,
            "the edit \"the-edit\" does not fit some/file.c: expected \"size = 12;\" exactly "
            "once, found it 0 times; nothing was changed");
}

TEST(Edits, an_anchor_that_is_there_twice_is_refused) {
  const auto text = apply_edit(replacement("12", "x"), "12 12\n");
  ASSERT_FALSE(text);
  EXPECT_NE(text.error().message.find("found it 2 times"), std::string::npos);
}

TEST(Edits, appends_unless_it_is_there) {
  Edit edit = replacement("", "");
  edit.append = "FLAG := n";
  edit.absent = "FLAG";
  const auto once = apply_edit(edit, "obj-y := a.o\n");
  ASSERT_TRUE(once);
  EXPECT_EQ(*once, "obj-y := a.o\n\nFLAG := n\n");
  EXPECT_FALSE(apply_edit(edit, *once));
}

TEST(Edits, replaces_the_block_of_the_right_structure_and_keeps_line_numbers) {
  const std::string before =
      "struct other {\n#ifdef CONFIG_X\n\tint other;\n#endif\n};\n"
      "struct box {\n#ifdef CONFIG_X\n\tint a;\n\tint b;\n\n\tint c;\n#endif\n\tint last;\n};\n";
  const auto after = apply_edit(block(), before);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_NE(after->find("int other;"), std::string::npos);
  EXPECT_NE(after->find("int ours;"), std::string::npos);
  EXPECT_EQ(after->find("int a;"), std::string::npos);
  const auto line_of = [](const std::string& text, std::string_view what) {
    return std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(text.find(what)),
                      '\n');
  };
  EXPECT_EQ(line_of(*after, "int last;"), line_of(before, "int last;"));
}

TEST(Edits, a_block_outside_of_the_structure_does_not_count) {
  EXPECT_FALSE(
      apply_edit(block(), "struct box {\n\tint a;\n};\n#ifdef CONFIG_X\nint b;\n#endif\n"));
  EXPECT_FALSE(apply_edit(block(), "\n#ifdef CONFIG_X\nint b;\n#endif\n"));
}

TEST(Edits, two_blocks_in_the_structure_are_refused) {
  const auto after = apply_edit(block(),
                                "struct box {\n#ifdef CONFIG_X\nint a;\n#endif\n"
                                "#ifdef CONFIG_X\nint b;\n#endif\n};\n");
  ASSERT_FALSE(after);
  EXPECT_NE(after.error().message.find("found more"), std::string::npos);
}

TEST(Edits, a_structure_that_is_there_twice_is_refused) {
  const std::string box = "struct box {\n#ifdef CONFIG_X\nint a;\n#endif\n};\n";
  ASSERT_TRUE(apply_edit(block(), box));
  const auto after = apply_edit(block(), box + box);
  ASSERT_FALSE(after);
  EXPECT_NE(after.error().message.find("exactly once, found more"), std::string::npos);
}

class Trees : public testing::Test {
 protected:
  void SetUp() override {
    auto made = TemporaryDirectory::create(testing::TempDir(), "edits.");
    ASSERT_TRUE(made);
    directory_ = std::make_unique<TemporaryDirectory>(std::move(*made));
    fs::create_directories(tree() / "some");
    fs::create_directories(data() / "port");
    ASSERT_TRUE(write_file(tree() / "some/file.c", "int size = 12;\n"));
    ASSERT_TRUE(write_file(tree() / "some/file.h", "int other;\n"));
    ASSERT_TRUE(write_file(data() / "port/new.c", "new\n"));
  }
  fs::path tree() const { return directory_->path() / "tree"; }
  fs::path data() const { return directory_->path() / "data"; }

  std::unique_ptr<TemporaryDirectory> directory_;
};

TEST_F(Trees, everything_is_made_when_everything_fits) {
  Series series{"1.0", {replacement("12", "34")}, {{"ours", "port", "kernel/port"}}};
  const Status done = apply_series(series, Variant::ours, "um", data(), tree());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(*read_file(tree() / "some/file.c"), "int size = 34;\n");
  EXPECT_EQ(*read_file(tree() / "kernel/port/new.c"), "new\n");
}

TEST_F(Trees, nothing_is_touched_when_the_last_edit_does_not_fit) {
  Series series{"1.0", {replacement("12", "34"), block()}, {{"ours", "port", "kernel/port"}}};
  EXPECT_FALSE(apply_series(series, Variant::ours, "um", data(), tree()));
  EXPECT_EQ(*read_file(tree() / "some/file.c"), "int size = 12;\n");
  EXPECT_FALSE(fs::exists(tree() / "kernel"));
}

TEST_F(Trees, the_stock_kernel_gets_only_what_is_for_it) {
  Edit boot = replacement("12", "34");
  boot.scope = "boot";
  Series series{"1.0", {boot, block()}, {{"ours", "port", "kernel/port"}}};
  ASSERT_TRUE(apply_series(series, Variant::stock, "um", data(), tree()));
  EXPECT_EQ(*read_file(tree() / "some/file.c"), "int size = 34;\n");
  EXPECT_FALSE(fs::exists(tree() / "kernel"));
}

TEST_F(Trees, another_machine_s_edits_are_not_made) {
  Edit um = replacement("12", "34");
  um.machine = "um";
  Series series{"1.0", {um}, {}};
  ASSERT_TRUE(apply_series(series, Variant::ours, "x86_64", data(), tree()));
  EXPECT_EQ(*read_file(tree() / "some/file.c"), "int size = 12;\n");
  ASSERT_TRUE(apply_series(series, Variant::ours, "um", data(), tree()));
  EXPECT_EQ(*read_file(tree() / "some/file.c"), "int size = 34;\n");
}

TEST_F(Trees, two_edits_of_one_file_see_each_other) {
  Series series{"1.0", {replacement("12", "34"), replacement("34", "56")}, {}};
  ASSERT_TRUE(apply_series(series, Variant::ours, "um", data(), tree()));
  EXPECT_EQ(*read_file(tree() / "some/file.c"), "int size = 56;\n");
}

}  // namespace
}  // namespace kcov::lab
