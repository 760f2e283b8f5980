// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What an HTML report counts and writes, on one small recording.
#include "report/html.hpp"

#include <gtest/gtest.h>

#include "report/html_data.hpp"
#include "report/html_pages.hpp"
#include "report/line_coverage.hpp"
#include "tests/unit/recordings.hpp"

namespace kcov::report::html {
namespace {

using coverage::EntryKind;
using coverage::Recording;
using test::name_store;
using test::set_of;

symbol::Location at(std::uint64_t pc, const std::vector<symbol::Frame>& frames) {
  return {.pc = pc, .symbol = "open", .symbol_offset = pc, .frames = name_store.keep(frames)};
}

const std::vector<symbol::Frame> kOpen10 = {{"open", "fs/open.c", 10, false}};
const std::vector<symbol::Frame> kOpen12 = {{"open", "fs/open.c", 12, false}};
const std::vector<symbol::Frame> kInlined = {{"fdget", "include/fd.h", 3, true},
                                             {"open", "fs/open.c", 12, false}};
// A function that was inlined into itself, by a macro: one line twice.
const std::vector<symbol::Frame> kTwice = {{"again", "fs/open.c", 20, true},
                                           {"again", "fs/open.c", 20, false}};

Recording recorded() {
  Recording recording;
  recording.command = {"sh", "-c", "</script>"};
  recording.status = 0;
  recording.machine = "um, our kcov";
  recording.release = "6.12.1";
  recording.build_id = "abcd";
  recording.locations.push_back(at(0x20, kOpen12));
  recording.locations.push_back(at(0x30, kInlined));
  recording.locations.push_back(at(0x50, kTwice));
  recording.locations.push_back(at(0x99, {}));
  recording.tasks.resize(2);
  recording.tasks[0].id = 7;
  recording.tasks[0].records = {0, 0, 1, 3};
  recording.tasks[0].entries = {{EntryKind::system_call, "openat", {{0, 2}}},
                                {EntryKind::page_fault, "page fault", {{2, 4}}}};
  recording.tasks[1].records = {2, 0};
  recording.tasks[1].entries = {{EntryKind::signal, "signal", {{0, 2}}}};
  return recording;
}

// All that there is: one more on line 12, one that nobody reached on line 10, one of no file.
symbol::Locations coverable() {
  symbol::Locations all;
  all.push_back(at(0x10, kOpen10));
  all.push_back(at(0x20, kOpen12));
  all.push_back(at(0x30, kInlined));
  all.push_back(at(0x40, kInlined));
  all.push_back(at(0x50, kTwice));
  all.push_back(at(0x60, {}));
  return all;
}

Kernel kernel() {
  return {coverable(), [](std::uint64_t) { return false; }};
}

TEST(HtmlPoints, a_recorded_PC_that_is_no_point_counts_nowhere) {
  const coverage::CoverageSet set = set_of(recorded());
  const Points points = points_of(set, kernel());
  EXPECT_TRUE(points.are_all);
  const auto never = Points::kNever;
  EXPECT_EQ(points.reached_as, (std::vector<std::uint32_t>{never, 0, 1, never, 3, never}));
  ASSERT_EQ(points.strays.size(), 1u);
  EXPECT_EQ(set.locations[points.strays[0]].pc, 0x99u);
}

TEST(HtmlPoints, behind_a_call_it_is_of_a_jump_to_the_callback) {
  const coverage::CoverageSet set = set_of(recorded());
  Kernel told = kernel();
  told.is_behind_call = [](std::uint64_t pc) { return pc == 0x99; };
  const Points points = points_of(set, std::move(told));
  EXPECT_TRUE(points.strays.empty());
  EXPECT_EQ(points.tails.size(), 1u);
  EXPECT_EQ(points.uncounted().cardinality(), 1u);
  EXPECT_EQ(index_data(set, points, tree_of(points, set.hits), "")["tails"], 1);
}

TEST(HtmlPoints, without_the_image_what_was_reached_is_all) {
  const Points points = points_of(set_of(recorded()), {});
  EXPECT_FALSE(points.are_all);
  EXPECT_EQ(points.locations.size(), 4u);
  EXPECT_TRUE(points.strays.empty());
}

TEST(HtmlFiles, a_line_is_covered_partly_covered_or_not) {
  const coverage::CoverageSet set = set_of(recorded());
  const Tree tree = tree_of(points_of(set, kernel()), set.hits);
  ASSERT_EQ(tree.files.size(), 2u);
  const File& open = tree.files[0];
  EXPECT_EQ(open.name, "fs/open.c");
  ASSERT_EQ(open.lines.size(), 3u);
  EXPECT_EQ(open.lines[0].number, 10);
  EXPECT_EQ(open.lines[0].count.covered, 0u);
  EXPECT_FALSE(open.lines[0].count.is_partly());
  EXPECT_EQ(open.lines[1].number, 12);
  EXPECT_EQ(open.lines[1].count.covered, 2u);
  EXPECT_EQ(open.lines[1].count.points, 3u);
  EXPECT_TRUE(open.lines[1].count.is_partly());
  EXPECT_EQ(open.lines[1].hits, 4u);
  const auto reached = open.reached_on(open.lines[1]);
  EXPECT_EQ(std::vector<std::uint32_t>(reached.begin(), reached.end()),
            (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(open.lines[2].count.points, 1u) << "a line that calls itself has its point once";
  EXPECT_EQ(open.lines[2].hits, 1u);
}

TEST(HtmlFiles, an_inlined_point_counts_once_in_each_file_and_directory_and_in_all) {
  const coverage::CoverageSet set = set_of(recorded());
  const Tree tree = tree_of(points_of(set, kernel()), set.hits);
  EXPECT_EQ(tree.files[0].count.points, 5u);
  EXPECT_EQ(tree.files[0].count.covered, 3u);
  EXPECT_EQ(tree.files[1].count.points, 2u);
  EXPECT_EQ(tree.files[1].count.covered, 1u);
  EXPECT_EQ(tree.directories[0].count.points, 5u) << "not 7";
  EXPECT_EQ(tree.directories[0].count.covered, 3u);
  EXPECT_EQ(tree.nowhere.points, 1u);
  ASSERT_EQ(tree.directories.size(), 3u);
  EXPECT_EQ(tree.directories[1].name, "fs");
  EXPECT_EQ(tree.directories[1].count.points, 5u);
}

TEST(HtmlFiles, a_function_is_where_its_first_point_is) {
  const coverage::CoverageSet set = set_of(recorded());
  const Tree tree = tree_of(points_of(set, kernel()), set.hits);
  ASSERT_EQ(tree.files[0].functions.size(), 2u);
  const Function& open = tree.files[0].functions[0];
  EXPECT_EQ(open.name, "open");
  EXPECT_EQ(open.line, 10);
  EXPECT_EQ(open.count.covered, 2u);
  EXPECT_EQ(open.count.points, 4u);
  EXPECT_EQ(open.hits, 3u);
}

TEST(HtmlFiles, lines_and_hits_are_those_of_the_exports) {
  const Recording recording = recorded();
  const coverage::CoverageSet set = set_of(recording);
  const LineCoverage expected = cover_lines(set, {});
  const Tree tree = tree_of(points_of(set, {}), set.hits);
  ASSERT_EQ(tree.files.size(), expected.size());
  for (const File& file : tree.files) {
    const FileCoverage& other = expected.at(file.name);
    ASSERT_EQ(file.lines.size(), other.lines.size());
    for (const Line& line : file.lines) EXPECT_EQ(line.hits, other.lines.at(line.number));
    ASSERT_EQ(file.functions.size(), other.functions.size());
    for (const Function& function : file.functions) {
      EXPECT_EQ(function.hits, other.functions.at(function.name).hits);
      EXPECT_EQ(function.line, other.functions.at(function.name).line);
    }
  }
}

// A line of it in a header; one that has nothing else; one whose own file has no lines.
TEST(HtmlFiles, a_function_is_of_the_file_that_declares_it) {
  Recording recording = recorded();
  recording.locations[1] = at(0x30, {{"open", "include/fd.h", 3, false, "fs/open.c"}});
  recording.locations[2] = at(0x50, {{"lost", "include/fd.h", 9, false, "fs/open.c"}});
  recording.locations[3] = at(0x99, {{"alone", "include/fd.h", 8, false, "fs/none.c"}});
  const coverage::CoverageSet set = set_of(recording);
  const Tree tree = tree_of(points_of(set, {}), set.hits);
  ASSERT_EQ(tree.files.size(), 2u);
  const std::vector<Function>& functions = tree.files[0].functions;
  ASSERT_EQ(functions.size(), 2u);
  EXPECT_EQ(functions[0].name, "lost");
  EXPECT_EQ(functions[0].line, 0);
  EXPECT_EQ(functions[1].name, "open");
  EXPECT_EQ(functions[1].line, 12);
  EXPECT_EQ(functions[1].count.points, 2u);
  const File& header = tree.files[1];
  EXPECT_EQ(header.lines.size(), 3u);
  ASSERT_EQ(header.functions.size(), 1u);
  EXPECT_EQ(header.functions[0].name, "alone");
  // The exports have the same, and lcov's lines begin with 1.
  const LineCoverage lines = cover_lines(set, {});
  EXPECT_EQ(lines.at("fs/open.c").functions.at("open").line, 12);
  EXPECT_EQ(lines.at("include/fd.h").functions.size(), 1u);
  EXPECT_FALSE(lines.contains("fs/none.c"));
  EXPECT_NE(lcov_of(lines, "").find("SF:fs/open.c\nFN:1,lost\nFN:12,open\n"), std::string::npos)
      << lcov_of(lines, "");
}

TEST(HtmlFiles, any_name_has_its_place) {
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "a/";
  Recording recording = recorded();
  recording.locations[0] = at(0x20, {{"f", name_store.keep(deep), 1, false}});
  recording.locations[1] = at(0x30, {{"f", "/usr/include/x.h", 1, false}});
  recording.locations[2] = at(0x50, {{"f", "fs", 1, false}, {"f", "fs/a.c", 1, false}});
  recording.locations[3] = at(0x99, {{"f", "//", 1, false}});
  const coverage::CoverageSet set = set_of(recording);
  const Tree tree = tree_of(points_of(set, {}), set.hits);
  EXPECT_EQ(tree.files.size(), 5u);
  EXPECT_EQ(tree.directories[0].count.points, 4u);
  const Json json = index_data(set, points_of(set, {}), tree, "")["tree"];
  EXPECT_EQ(json[4][0][0], "fs") << "a file and a directory of one name";
  EXPECT_LE(tree.directories.size(), 2 * kDeepest);
}

TEST(HtmlReached, who_reached_it_is_told_of_points_together) {
  const coverage::CoverageSet set = set_of(recorded());
  const Reachers reachers(set);
  const auto members = [](const ReachedBy& by, std::vector<std::uint32_t> pcs) {
    std::vector<ReachedBy::Set> sets;
    for (const std::uint32_t pc : pcs) sets.push_back(by.of(pc));
    return by.members(sets);
  };
  using Numbers = std::vector<std::uint32_t>;
  EXPECT_EQ(members(reachers.tasks, {0}), (Numbers{0, 1}));
  EXPECT_EQ(members(reachers.tasks, {1}), (Numbers{0}));
  EXPECT_EQ(members(reachers.tasks, {}), Numbers{});
  // By name: openat, page fault, signal.
  EXPECT_EQ(members(reachers.calls, {0}), (Numbers{0, 2}));
  EXPECT_EQ(members(reachers.calls, {0, 1}), (Numbers{0, 1, 2}));
}

TEST(HtmlData, a_files_script_says_who_reached_each_line) {
  const coverage::CoverageSet set = set_of(recorded());
  const Tree tree = tree_of(points_of(set, kernel()), set.hits);
  const Json data = file_data(tree.files[0], Reachers(set), {"text\n", "trouble"});
  EXPECT_EQ(data["name"], "fs/open.c");
  EXPECT_EQ(data["source"], "text\n");
  EXPECT_EQ(data["trouble"], "trouble");
  EXPECT_EQ(data["lines"].dump(), "[10,0,1,0,0,0,12,2,3,4,0,0,20,1,1,1,1,1]");
  EXPECT_EQ(data["calls"].dump(), "[[0,2],[2,2]]");
  EXPECT_EQ(data["tasks"].dump(), "[[0,1],[1,1]]");
}

TEST(HtmlData, the_first_page_has_the_totals_and_what_is_wrong) {
  const coverage::CoverageSet set = set_of(recorded());
  const Points points = points_of(set, kernel());
  const Tree tree = tree_of(points, set.hits);
  const Json index = index_data(set, points, tree, "");
  EXPECT_EQ(index["title"], "sh -c </script>");
  EXPECT_EQ(index_data(set, points, tree, "mine")["title"], "mine");
  EXPECT_EQ(index["points"].dump(), "[3,6]");
  EXPECT_EQ(index["lines"].dump(), "[3,4,2]");
  EXPECT_EQ(index["strays"].dump(), R"({"count":1,"pcs":[["0x99","open+0x99",1]]})");
  const Json runs = runs_data(set, points);
  EXPECT_EQ(runs["runs"][0]["covered"], 3) << "without the stray";
  EXPECT_EQ(runs["runs"][0]["tasks"][0].dump(), R"([7,0,"",2])");
  EXPECT_EQ(runs["calls"].dump(),
            R"([["openat","system call",1],["page fault","page fault",1],["signal","signal",2]])");
}

TEST(HtmlData, what_one_run_alone_reached) {
  coverage::Merger merger;
  Recording second = recorded();
  second.tasks[0].records = {0};
  second.tasks[0].entries.clear();
  second.tasks.pop_back();
  ASSERT_TRUE(merger.add(recorded(), "a.kcov"));
  ASSERT_TRUE(merger.add(second, "b.kcov"));
  const coverage::CoverageSet set = merger.take();
  const Json runs = runs_data(set, points_of(set, kernel()));
  EXPECT_EQ(runs["runs"][0]["alone"], 2);
  EXPECT_EQ(runs["runs"][1]["alone"], 0);
}

TEST(HtmlScript, nothing_in_a_text_ends_the_script) {
  const std::string hostile =
      "</script><!-- ]]> & \"'\\ \x01\x7f\n\r \xe2\x80\xa8 \xe2\x80\xa9 \xff\xc3 \xe2\x80 "
      "\xe2\x82\xac";
  const std::string script = script_of("1", {{"name", hostile + std::string("\0", 1)}});
  EXPECT_EQ(script.find_first_of("<>&\x7f\r"), std::string::npos);
  EXPECT_EQ(script.find('\n'), script.size() - 1);
  EXPECT_EQ(script.find("\xe2\x80\xa8"), std::string::npos);
  EXPECT_EQ(script.find("\xe2\x80\xa9"), std::string::npos);
  const std::string head = "kcovData(\"1\",", tail = ");\n";
  ASSERT_TRUE(script.starts_with(head) && script.ends_with(tail));
  const Json back =
      Json::parse(script.substr(head.size(), script.size() - head.size() - tail.size()));
  EXPECT_EQ(back["name"],
            "</script><!-- ]]> & \"'\\ \x01\x7f\n\r \xe2\x80\xa8 \xe2\x80\xa9 \ufffd\ufffd "
            "\ufffd \xe2\x82\xac" +
                std::string("\0", 1));
}

TEST(HtmlPages, allow_no_markup_out_of_texts) {
  bool has_policy = false;
  for (const Page& page : pages()) {
    for (const char* way : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
                            "eval(", "Function(", "http:", "https:", " style=", " onclick="})
      EXPECT_EQ(page.text.find(way), std::string_view::npos) << page.name << ": " << way;
    if (page.name == "index.html")
      has_policy = page.text.find("Content-Security-Policy") != std::string_view::npos;
  }
  EXPECT_TRUE(has_policy);
}

}  // namespace
}  // namespace kcov::report::html
