// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Two recordings held against each other.
#include <gtest/gtest.h>

#include "report/comparison_text.hpp"
#include "tests/unit/recordings.hpp"

namespace kcov::coverage {
namespace {

using test::name_store;
using test::set_of;

// PCs 0x10, 0x20, ... in functions a, b, ... of a.c, b.c, ..., at lines 1, 2, ...
Recording of(const std::vector<std::pair<std::string, std::vector<std::uint32_t>>>& calls) {
  Recording recording;
  recording.build_id = "abcd";
  recording.status = 0;
  for (std::uint32_t i = 0; i < 8; ++i) {
    const std::string function(1, static_cast<char>('a' + i));
    const symbol::Frame frame{name_store.keep(function), name_store.keep(function + ".c"),
                              static_cast<int>(i + 1), false};
    recording.locations.push_back({.pc = 0x10 * (i + 1),
                                   .symbol = frame.function,
                                   .frames = name_store.keep(std::span(&frame, 1))});
  }
  Task& task = recording.tasks.emplace_back();
  for (const auto& [name, records] : calls) {
    const auto first = static_cast<std::uint32_t>(task.records.size());
    task.records.insert(task.records.end(), records.begin(), records.end());
    const EntryKind kind = name == "page fault" ? EntryKind::page_fault
                           : name == "(tracer)" ? EntryKind::tracer
                                                : EntryKind::system_call;
    task.entries.push_back(
        {kind, name, {{first, static_cast<std::uint32_t>(task.records.size())}}});
  }
  return recording;
}

Comparison compare(const Recording& first, Recording second) {
  const bool same = have_same_places(first, second);
  return compare(set_of(first), set_of(second), same);
}

std::optional<Parting> find_parting(const Recording& first, Recording second) {
  const bool same = have_same_places(first, second);
  return find_parting(first, second, same);
}

std::string diff(const Recording& first, Recording second) {
  const bool same = have_same_places(first, second);
  const CoverageSet ours = set_of(first);
  const CoverageSet theirs = set_of(second);
  return report::text_of(
      compare(ours, theirs, same), {"A", "B"},
      report::text_of(find_parting(first, second, same), find_parting_of_calls(first, second),
                      first, second, {"A", "B"}));
}

TEST(Comparison, of_a_run_with_itself_has_nothing_on_either_side) {
  const Recording recording = of({{"read", {0, 1}}, {"page fault", {2}}, {"write", {3}}});
  EXPECT_EQ(diff(recording, recording),
            "- A\n+ B\n\n"
            "                both         -         +\n"
            "PCs                4         0         0\n"
            "functions          4         0         0\n"
            "lines              4         0         0\n\n"
            "Both runs made the same system calls in the same way.\n");
}

TEST(Comparison, tells_the_sides_and_the_first_record_that_differs) {
  const Recording first = of({{"read", {0, 1, 2}}, {"close", {5}}});
  const Recording second = of({{"read", {0, 3, 4}}, {"close", {6}}});
  EXPECT_EQ(
      diff(first, second),
      "- A\n+ B\n\n"
      "                both         -         +\n"
      "PCs                1         3         3\n"
      "functions          1         3         3\n"
      "lines              1         3         3\n\n"
      "By their names the system calls of both are the same.\n\n"
      "What the kernel executed parts ways in task 1, after 0 system calls alike, in read, after 1 "
      "PCs alike (up to a a.c:1):\n- A: b b.c:2\n+ B: d d.c:4\n\n"
      "functions\n- b b.c\n- c c.c\n- f f.c\n+ d d.c\n+ e e.c\n+ g g.c\n\n"
      "lines\n- b.c:2\n- c.c:3\n- f.c:6\n+ d.c:4\n+ e.c:5\n+ g.c:7\n");
}

// b() with a line in a header is b() still.
TEST(Comparison, takes_functions_by_the_file_that_declares_them) {
  const Recording first = of({{"read", {0, 1}}});
  Recording second = of({{"read", {0, 2}}});
  const symbol::Frame elsewhere{"b", "b.h", 7, false, "b.c"};
  second.locations[2].frames = name_store.keep(std::span(&elsewhere, 1));
  const std::string text = diff(first, second);
  EXPECT_NE(text.find("functions          2         0         0\n"), std::string::npos) << text;
  EXPECT_NE(text.find("+ b.h:7\n"), std::string::npos) << text;
}

TEST(Comparison, tells_where_the_calls_part_ways_behind_one_that_only_did_more) {
  const Recording first = of({{"execve", {0}}, {"read", {1}}, {"close", {2}}});
  const std::string text = diff(first, of({{"execve", {3}}, {"read", {1}}, {"write", {2}}}));
  EXPECT_NE(
      text.find("By their names the system calls part ways in task 1, after 2 alike:\n"
                "- A: close\n+ B: write\n\n"
                "What the kernel executed parts ways in task 1, after 0 system calls alike, in "
                "execve, after 0 PCs alike:\n"
                "- A: a a.c:1\n+ B: d d.c:4\n"),
      std::string::npos)
      << text;
}

TEST(Comparison, tells_calls_that_are_others_or_missing) {
  const Recording first = of({{"read", {0}}, {"close", {1}}});
  EXPECT_NE(diff(first, of({{"read", {0}}, {"write", {1}}}))
                .find("in task 1, after 1 system calls alike:\n- A: close\n+ B: write\n"),
            std::string::npos);
  EXPECT_NE(diff(first, of({{"read", {0}}}))
                .find("in task 1, after 1 system calls alike:\n- A: close\n+ B: no further call\n"),
            std::string::npos);
  EXPECT_NE(diff(of({{"read", {0}}}), of({{"read", {0, 1}}}))
                .find("in read, after 1 PCs alike (up to a a.c:1):\n- A: the call's end\n+ B: b"),
            std::string::npos);
  Recording two = first;
  two.tasks.push_back(first.tasks[0]);
  EXPECT_NE(diff(first, two)
                .find("in task 2, after 0 system calls alike:\n"
                      "- A: no further call\n+ B: read\n"),
            std::string::npos);
}

// They come when the machine has time for them; what following adds is of neither.
TEST(Comparison, of_runs_is_of_their_calls_and_not_of_faults_or_stops) {
  const Recording first =
      of({{"read", {0}}, {"page fault", {2}}, {"(tracer)", {7}}, {"close", {1}}});
  const Recording second =
      of({{"page fault", {3}}, {"read", {0}}, {"close", {1}}, {"(tracer)", {6}}});
  const Comparison comparison = compare(first, second);
  EXPECT_FALSE(find_parting(first, second));
  EXPECT_EQ(comparison.pcs.first, (std::vector<std::uint64_t>{0x30}));
  EXPECT_EQ(comparison.pcs.second, (std::vector<std::uint64_t>{0x40}));
  EXPECT_EQ(comparison.pcs.both, 2u);
}

TEST(Comparison, of_two_kernels_is_by_names) {
  const Recording first = of({{"read", {0, 1}}});
  Recording second = first;
  second.build_id = "other";
  for (symbol::Location& location : second.locations) location.pc += 0x1000;
  // Where a function is declared an older recording does not know, and it is no other place for it.
  const symbol::Frame declared{"b", "b.c", 2, false, "other.c"};
  second.locations[1].frames = name_store.keep(std::span(&declared, 1));
  EXPECT_FALSE(find_parting(first, second));
  second.locations[1].frames = first.locations[1].frames;
  const Comparison comparison = compare(first, second);
  EXPECT_FALSE(comparison.has_same_places);
  EXPECT_FALSE(find_parting(first, second));
  EXPECT_EQ(comparison.functions.both, 2u);
  EXPECT_NE(diff(first, second).find("They are not known to be of one build"), std::string::npos);
  EXPECT_EQ(diff(first, second).find("PCs  "), std::string::npos);
  // Where nothing says which kernel it was, PCs mean nothing.
  second = first;
  second.build_id.clear();
  EXPECT_FALSE(compare(second, second).has_same_places);
}

TEST(Comparison, a_module_that_was_loaded_elsewhere_is_the_same_and_another_build_is_not) {
  Recording first = of({{"read", {0, 1}}});
  first.modules = {{"tun", 0, 0x1000, "12"}};
  Recording second = first;
  second.modules[0].start = 0x5000;
  for (symbol::Location& location : second.locations) location.pc += 0x5000;
  EXPECT_EQ(compare(first, second).pcs.both, 2u);
  EXPECT_FALSE(find_parting(first, second));
  // Of another build, at the same place.
  second = first;
  second.modules[0].build_id = "34";
  EXPECT_FALSE(compare(first, second).has_same_places);
  EXPECT_NE(diff(first, second).find("(or its modules are not)"), std::string::npos);
}

TEST(Comparison, joins_lines_that_stand_together) {
  Recording first = of({{"read", {0, 1, 2, 3}}});
  for (const auto& [i, line] : {std::pair{0, 7}, {1, 8}, {2, 9}, {3, 12}}) {
    const symbol::Frame frame{"f", "fs/f.c", line, false};
    first.locations[static_cast<std::size_t>(i)].frames = name_store.keep(std::span(&frame, 1));
  }
  EXPECT_NE(diff(first, of({})).find("- fs/f.c:7-9,12\n"), std::string::npos);
}

}  // namespace
}  // namespace kcov::coverage
