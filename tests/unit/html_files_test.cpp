// SPDX-License-Identifier: GPL-2.0-only OR MIT
// An HTML report on disk: the source that it finds, and the directory that it becomes.
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "report/html_directory.hpp"
#include "report/html_source.hpp"
#include "support/files.hpp"
#include "support/interrupt.hpp"

namespace fs = std::filesystem;

namespace kcov::report::html {
namespace {

class HtmlSource : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root / "fs");
    ASSERT_TRUE(write_file(root / "fs/open.c", "one\ntwo\nthree"));
    ASSERT_TRUE(write_file(scratch->path() / "secret", "secret\n"));
  }
  Result<TemporaryDirectory> scratch =
      TemporaryDirectory::create(fs::temp_directory_path(), "kcov-html-");
  fs::path root = scratch->path() / "linux";
};

TEST_F(HtmlSource, is_found_by_its_name) {
  const SourceText found = SourceFinder(root).read("fs/open.c", 3);
  EXPECT_EQ(found.text, "one\ntwo\nthree");
  EXPECT_EQ(found.trouble, "");
}

TEST_F(HtmlSource, of_an_absolute_name_the_end_is_found) {
  EXPECT_TRUE(SourceFinder(root).read("/build/linux-6.12/fs/open.c", 3).text);
}

TEST_F(HtmlSource, nothing_outside_of_the_directory_is_read) {
  const SourceFinder finder(root);
  for (const std::string& name :
       {std::string("../secret"), std::string("fs/../../secret"), std::string("/../secret"),
        (scratch->path() / "secret").string(), std::string(""), std::string("/"), std::string("fs"),
        std::string("fs/open.c\0x", 11)}) {
    const SourceText found = finder.read(name, 1);
    EXPECT_FALSE(found.text) << name;
    EXPECT_NE(found.trouble.find("It is not in the source directory"), std::string::npos);
  }
}

TEST_F(HtmlSource, that_has_changed_is_told) {
  EXPECT_NE(SourceFinder(root)
                .read("fs/open.c", 4)
                .trouble.find("it has 3 lines, and there is code on line 4"),
            std::string::npos);
  const fs::file_time_type written = fs::last_write_time(root / "fs/open.c");
  EXPECT_NE(SourceFinder(root, written - std::chrono::seconds(1))
                .read("fs/open.c", 3)
                .trouble.find("newer than the kernel's image"),
            std::string::npos);
  EXPECT_EQ(SourceFinder(root, written).read("fs/open.c", 3).trouble, "");
}

TEST_F(HtmlSource, that_a_link_leads_out_to_is_not_read) {
  const fs::path outside = root.parent_path() / "outside";
  std::ofstream(outside) << "secret\n";
  fs::create_symlink("../outside", root / "link.c");
  EXPECT_FALSE(SourceFinder(root).read("link.c", 1).text);
  fs::create_symlink("fs/open.c", root / "inside.c");
  EXPECT_TRUE(SourceFinder(root).read("inside.c", 1).text);
  fs::remove(outside);
}

TEST_F(HtmlSource, that_is_not_there_or_too_large_is_told) {
  EXPECT_NE(SourceFinder().read("fs/open.c", 1).trouble.find("--source-dir"), std::string::npos);
  fs::resize_file(root / "fs/open.c", std::uintmax_t{17} << 20);
  const SourceText found = SourceFinder(root).read("fs/open.c", 3);
  EXPECT_FALSE(found.text);
  EXPECT_NE(found.trouble.find("17 MiB"), std::string::npos);
}

class HtmlDirectory : public ::testing::Test {
 protected:
  static Status make(const fs::path& path, const std::string& text) {
    Result<ReportDirectory> directory = ReportDirectory::create(path.string());
    if (!directory) return directory.error();
    if (Status done = directory->write("index.html", text); !done) return done;
    return directory->finish();
  }
  // What is in the scratch directory: nothing is to be left there beside the report.
  std::vector<std::string> all() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(scratch->path()))
      found.push_back(entry.path().filename());
    return found;
  }
  void TearDown() override { catch_interrupts(); }

  Result<TemporaryDirectory> scratch =
      TemporaryDirectory::create(fs::temp_directory_path(), "kcov-html-");
  fs::path path = scratch->path() / "report";
};

TEST_F(HtmlDirectory, is_there_as_a_whole) {
  ASSERT_TRUE(make(path, "one"));
  EXPECT_EQ(*read_file(path / "index.html"), "one");
  EXPECT_TRUE(fs::is_directory(path / "data"));
  EXPECT_EQ(all(), std::vector<std::string>{"report"});
}

TEST_F(HtmlDirectory, replaces_a_report_and_an_empty_directory) {
  fs::create_directory(path);
  ASSERT_TRUE(make(path, "one"));
  ASSERT_TRUE(write_file(path / "data/99.js", "of the old one"));
  ASSERT_TRUE(make(path.string() + "/", "two"));
  EXPECT_EQ(*read_file(path / "index.html"), "two");
  EXPECT_FALSE(fs::exists(path / "data/99.js"));
  EXPECT_EQ(all(), std::vector<std::string>{"report"});
}

TEST_F(HtmlDirectory, leaves_a_link_to_it_as_it_is) {
  fs::create_directory(scratch->path() / "real");
  fs::create_directory_symlink("real", path);
  ASSERT_TRUE(make(path, "one"));
  EXPECT_TRUE(fs::is_symlink(path));
  EXPECT_EQ(*read_file(scratch->path() / "real/index.html"), "one");
}

TEST_F(HtmlDirectory, replaces_nothing_else) {
  fs::create_directory(path);
  ASSERT_TRUE(write_file(path / "thesis.txt", "three years"));
  const Status refused = make(path, "one");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("there are other files in that directory"),
            std::string::npos);
  EXPECT_EQ(*read_file(path / "thesis.txt"), "three years");
  EXPECT_FALSE(make(path / "thesis.txt", "one"));
  EXPECT_FALSE(make("/", "one"));
  EXPECT_FALSE(make("/proc/none", "one"));
  EXPECT_FALSE(make(scratch->path() / "no" / "such" / "report", "one"));
  EXPECT_EQ(all(), std::vector<std::string>{"report"});
}

TEST_F(HtmlDirectory, that_is_not_finished_is_gone) {
  {
    Result<ReportDirectory> directory = ReportDirectory::create(path.string());
    ASSERT_TRUE(directory);
    ASSERT_TRUE(directory->write("index.html", "one"));
    EXPECT_FALSE(directory->write("no/such/file", "one"));
  }
  EXPECT_EQ(all(), std::vector<std::string>{});
}

TEST_F(HtmlDirectory, that_is_interrupted_leaves_the_old_one) {
  ASSERT_TRUE(make(path, "one"));
  catch_interrupts();
  {
    Result<ReportDirectory> directory = ReportDirectory::create(path.string());
    ASSERT_TRUE(directory);
    std::raise(SIGTERM);
    EXPECT_EQ(directory->write("index.html", "two").error().exit_code, 128 + SIGTERM);
    EXPECT_EQ(directory->finish().error().exit_code, 128 + SIGTERM);
  }
  EXPECT_EQ(*read_file(path / "index.html"), "one");
  EXPECT_EQ(all(), std::vector<std::string>{"report"});
}

TEST_F(HtmlDirectory, takes_away_what_a_killed_one_left_and_nothing_else) {
  const fs::path partial = path.string() + ".partial";
  fs::create_directory(partial);
  ASSERT_TRUE(write_file(partial / "kcov-report", ""));
  ASSERT_TRUE(write_file(partial / "index.html", "half"));
  ASSERT_TRUE(make(path, "one"));
  EXPECT_EQ(all(), std::vector<std::string>{"report"});
  fs::create_directory(partial);
  ASSERT_TRUE(write_file(partial / "thesis.txt", "three years"));
  const Status refused = make(path, "two");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("report.partial is in the way"), std::string::npos);
  EXPECT_TRUE(fs::exists(partial / "thesis.txt"));
}

TEST_F(HtmlDirectory, is_written_by_one_at_a_time) {
  Result<ReportDirectory> first = ReportDirectory::create(path.string());
  ASSERT_TRUE(first);
  const Status second = make(path, "two");
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("another kcovtool is writing it"), std::string::npos);
  ASSERT_TRUE(first->write("index.html", "one"));
  ASSERT_TRUE(first->finish());
  EXPECT_EQ(*read_file(path / "index.html"), "one");
}

}  // namespace
}  // namespace kcov::report::html
