// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Trees of calls, of traces written out as "function:block", a "|" between entries.
#include "coverage/call_tree.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <sstream>
#include <vector>

#include "report/printable.hpp"
#include "report/tree_text.hpp"
#include "tests/unit/recordings.hpp"

namespace kcov::coverage {
namespace {

using test::name_store;

// "a/x@5/y@6:2" is block 2 of a(), in y(), which is inlined into x() at its line 6, and that into
// a() at line 5. A name with a dot in it is of a file "a.h", any other of "a.c".
symbol::Location location_of(const std::string& word) {
  static std::map<std::string, std::uint64_t> addresses;
  const std::size_t colon = word.rfind(':');
  const std::uint64_t offset = std::stoul(word.substr(colon + 1)) + 1;
  std::vector<symbol::Frame> outermost_first;
  std::istringstream parts(word.substr(0, colon));
  int line = static_cast<int>(offset);
  for (std::string part; std::getline(parts, part, '/');) {
    const std::size_t at = part.find('@');
    if (at != std::string::npos) outermost_first.back().line = std::stoi(part.substr(at + 1));
    const std::string function = part.substr(0, at);
    const std::string base = function.substr(0, function.find('.'));
    const bool is_header = at != std::string::npos && base != function;
    outermost_first.push_back({name_store.keep(is_header ? function : base),
                               name_store.keep(base + (is_header ? ".h" : ".c")), line,
                               at != std::string::npos});
  }
  const std::string symbol = word.substr(0, std::min(word.find('/'), colon));
  const std::uint64_t address =
      addresses.try_emplace(symbol, 0x10000 * (addresses.size() + 1)).first->second;
  return {.pc = address + offset,
          .symbol = name_store.keep(symbol),
          .symbol_offset = offset,
          .frames = name_store.keep(
              std::vector<symbol::Frame>(outermost_first.rbegin(), outermost_first.rend()))};
}

Recording recording_of(const std::string& text) {
  Recording recording;
  std::map<std::string, std::uint32_t> numbers;
  Task& task = recording.tasks.emplace_back();
  const auto begin = [&] {
    const auto at = static_cast<std::uint32_t>(task.records.size());
    task.entries.push_back({EntryKind::system_call, "call", {{at, at}}});
  };
  begin();
  std::istringstream stream(text);
  for (std::string word; stream >> word;) {
    if (word == "|") {
      begin();
      continue;
    }
    const auto [found, is_new] =
        numbers.try_emplace(word, static_cast<std::uint32_t>(numbers.size()));
    if (is_new) recording.locations.push_back(location_of(word));
    task.records.push_back(found->second);
    ++task.entries.back().ranges.back().end;
  }
  return recording;
}

// "a(b*2 c)"; inlined functions in brackets, those that only go on with a plus.
std::string text_of(const std::vector<CallNode>& calls) {
  std::string text;
  for (const CallNode& node : calls) {
    if (!text.empty()) text += ' ';
    if (!node.has_begun) text += '+';
    text += node.is_inlined ? "[" + std::string(node.function) + "]" : std::string(node.function);
    if (node.times > 1) text += "*" + std::to_string(node.times);
    if (!node.calls.empty()) text += "(" + text_of(node.calls) + ")";
  }
  return text;
}

// Of the last entry.
std::string tree(const std::string& text) {
  const Recording recording = recording_of(text);
  CallTrees trees(recording, CallTrees::Accessors::shown);
  return text_of(trees.of(recording.tasks[0], recording.tasks[0].entries.back()).calls);
}

TEST(CallTree, a_function_is_entered_at_its_first_block_and_left_when_a_caller_goes_on) {
  EXPECT_EQ(tree("s:0 a:0 a:1 b:0 a:2 c:0 s:1 d:0"), "s(a(b c) d)");
}

TEST(CallTree, a_return_that_leaves_no_trace_is_known_from_elsewhere_or_not_at_all) {
  // Both, that s calls b and that a does, leave this trace.
  EXPECT_EQ(tree("s:0 a:0 b:0"), "s(a(b))");
  // a's block was seen to make no call.
  EXPECT_EQ(tree("t:0 a:0 t:1 | s:0 a:0 b:0"), "s(a b)");
  // Two returns at once: a() does nothing behind b(), which does nothing at all.
  EXPECT_EQ(tree("t:0 a:0 b:0 a:1 t:1 | a:0 b:0 | t:0 a:0 b:0 t:1 | s:0 a:0 b:0 a:1 c:0"),
            "s(a(b) c)");
}

TEST(CallTree, a_block_that_is_known_to_call_is_the_caller) {
  EXPECT_EQ(tree("t:0 a:0 b:0 a:1 | s:0 a:0 b:0"), "s(a(b))");
  // Though another way through a() makes no call.
  EXPECT_EQ(tree("t:0 a:0 a:2 t:1 | t:0 a:0 a:1 b:0 a:2 t:1 | s:0 a:0 a:1 b:0"), "s(a(b))");
}

TEST(CallTree, a_block_that_calls_now_and_then_is_not_taken_to_have_returned) {
  EXPECT_EQ(tree("t:0 a:0 t:1 | s:0 a:0 b:0 a:1 b:0"), "s(a(b*2))");
  EXPECT_EQ(tree("t:0 a:0 t:1 | s:0 a:0 b:0 a:1 b:0 | s:0 a:0 c:0 a:1"), "s(a(c))");
}

TEST(CallTree, what_is_called_in_the_same_way_again_is_one_node) {
  EXPECT_EQ(tree("s:0 a:0 s:1 b:0 s:1 a:0 s:2"), "s(a*2 b)");
  EXPECT_EQ(tree("s:0 a:0 b:0 a:1 s:1 a:0 b:0 a:1 s:1 a:0 a:1 s:1"), "s(a*2(b*2) a)");
}

TEST(CallTree, inlined_functions_are_below_their_callers) {
  EXPECT_EQ(tree("s:0 s/x@5:1 s/x@5/y@6:2 s:3"), "s([x]([y]))");
  // Once for each place that it was inlined at, and no more.
  EXPECT_EQ(tree("s:0 s/x@5:1 s:2 s/x@5:3"), "s([x])");
  EXPECT_EQ(tree("s:0 s/x@5:1 s:2 s/x@5:3 s/x@7:4"), "s([x]*2)");
  EXPECT_EQ(tree("s:0 s/x@5:1 a:0 s/x@5:3 s/x@7:4"), "s([x](a) [x])");
}

TEST(CallTree, a_call_is_below_the_inlined_function_that_the_blocks_around_it_share) {
  EXPECT_EQ(tree("s:0 s/x@5:1 a:0 s/x@5:2"), "s([x](a))");
  EXPECT_EQ(tree("s:0 s/x@5:1 a:0 s:2"), "s([x] a)");
  EXPECT_EQ(tree("s:0 s/x@5/y@6:1 a:0 s/x@5:2"), "s([x]([y] a))");
  // With no block behind it, the one around the last that was seen, or around that of a header.
  EXPECT_EQ(tree("s:0 s/x@5:1 a:0"), "s([x] a)");
  EXPECT_EQ(tree("s:0 s/x@5/y@6:1 a:0"), "s([x]([y] a))");
  EXPECT_EQ(tree("s:0 s/x.x@5/y@6:1 a:0"), "s([x.x]([y]) a)");
}

TEST(CallTree, small_functions_of_headers_are_left_out_where_that_is_asked_for) {
  const Recording recording = recording_of("s:0 s/x.x@5:1 s/y.y@6:1 a:0 s/y.y@6:2 s/z@7:3");
  CallTrees trees(recording, CallTrees::Accessors::left_out);
  const CallNode root = trees.of(recording.tasks[0], recording.tasks[0].entries[0]);
  EXPECT_EQ(text_of(root.calls), "s([y.y](a) [z])");
  EXPECT_EQ(root.records, 6u);
}

TEST(CallTree, recursion_is_seen_by_the_entry_block) {
  EXPECT_EQ(tree("s:0 a:0 a:1 a:0 a:2 a:3 s:1"), "s(a(a))");
  // Unless that looks like a return and a further call.
  EXPECT_EQ(tree("s:0 a:0 a:1 a:0 a:1 s:1"), "s(a*2)");
  // A loop at a function's head, whose first block is not the lowest.
  EXPECT_EQ(tree("s:0 a:1 a:0 a:1 a:0 s:1"), "s(a)");
}

TEST(CallTree, the_unlikely_part_of_a_function_is_the_function) {
  EXPECT_EQ(tree("s:0 a:0 a.cold:0 b:0 a.cold:1 a:1 s:1"), "s(a(b))");
  // Where nothing else is seen of it, too.
  EXPECT_EQ(tree("a:0 | a.cold:0 b:0 a:1"), "+a(b)");
}

TEST(CallTree, a_part_of_a_function_that_is_called_has_its_own_name) {
  EXPECT_EQ(tree("s:0 a:0 a.part.0:0 a:1"), "s(a(a.part.0))");
}

TEST(CallTree, what_was_not_seen_to_begin_says_so) {
  EXPECT_EQ(tree("s:0 a:0 b:0 s:1 | a:1 b:0"), "+a(b)");
}

TEST(CallTree, an_entry_in_pieces_is_one_tree) {
  Recording recording = recording_of("s:0 a:0 f:0 a:1 s:1");
  recording.tasks[0].entries = {{EntryKind::system_call, "read", {{0, 2}, {3, 5}}},
                                {EntryKind::page_fault, "page fault", {{2, 3}}},
                                {EntryKind::tracer, "(tracer)", {}}};
  CallTrees trees(recording, CallTrees::Accessors::shown);
  const CallNode root = trees.of(recording.tasks[0], recording.tasks[0].entries[0]);
  EXPECT_EQ(root.function, "read");
  EXPECT_EQ(root.records, 4u);
  EXPECT_EQ(text_of(root.calls), "s(a)");
  EXPECT_EQ(text_of(trees.of(recording.tasks[0], recording.tasks[0].entries[1]).calls), "f");
}

TEST(CallTree, without_names_all_is_the_entry_s_own) {
  Recording recording = recording_of("s:0 a:0 a:0");
  for (symbol::Location& location : recording.locations) location = {.pc = location.pc};
  CallTrees trees(recording, CallTrees::Accessors::shown);
  const CallNode root = trees.of(recording.tasks[0], recording.tasks[0].entries[0]);
  EXPECT_EQ(root.records, 3u);
  EXPECT_TRUE(root.calls.empty());
}

TEST(CallTree, depth_and_length_are_bounded) {
  std::string deep;
  for (int i = 0; i < 20000; ++i) deep += "deep" + std::to_string(i) + ":0 ";
  const Recording recording = recording_of(deep);
  CallTrees trees(recording, CallTrees::Accessors::shown);
  CallNode root = trees.of(recording.tasks[0], recording.tasks[0].entries[0]);
  EXPECT_EQ(root.records, 20000u);
  std::size_t depth = 0;
  for (const CallNode* node = &root; !node->calls.empty(); node = &node->calls[0]) ++depth;
  EXPECT_EQ(depth, 256u);
  EXPECT_FALSE(report::text_of_tree(recording, 80).empty());
}

std::uint64_t own_records(const CallNode& node) {
  std::uint64_t below = 0;
  for (const CallNode& call : node.calls) below += call.records;
  EXPECT_LE(below, node.records);
  std::uint64_t sum = node.records - below;
  for (const CallNode& call : node.calls) sum += own_records(call);
  return sum;
}

// Whatever is recorded, each record is in one node.
TEST(CallTree, no_record_is_lost_in_traces_that_make_no_sense) {
  std::mt19937 random(7);
  const std::vector<std::string> words = {"s:0", "s:1",     "a:0",      "a:1", "a/x@5:2",
                                          "b:0", "b/x@5:1", "a.cold:0", "c:1", "c:0",
                                          "d:0", "b/x@6:2", "|"};
  for (int run = 0; run < 300; ++run) {
    std::string text;
    for (int i = 0; i < 60; ++i) text += words[random() % words.size()] + " ";
    const Recording recording = recording_of(text);
    CallTrees trees(recording, CallTrees::Accessors::shown);
    for (const Entry& entry : recording.tasks[0].entries) {
      const CallNode root = trees.of(recording.tasks[0], entry);
      EXPECT_EQ(root.records, entry.record_count()) << text;
      EXPECT_EQ(own_records(root), entry.record_count()) << text;
    }
  }
}

std::vector<std::size_t> widths(const std::string& text) {
  std::vector<std::size_t> all;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) all.push_back(report::columns_of(line));
  return all;
}

TEST(TreeText, lines_fit_and_like_trees_are_printed_once) {
  std::string text;
  for (int i = 0; i < 40; ++i)
    text += "a_function_with_a_rather_long_name_" + std::to_string(i) + ":0 ";
  const Recording recording = recording_of(text + "| s:0 | s:0");
  for (const std::size_t width : {40, 80, 120}) {
    const std::string tree = report::text_of_tree(recording, width);
    for (const std::size_t columns : widths(tree)) EXPECT_LE(columns, width) << tree;
    EXPECT_NE(tree.find("  #3, like #2\n"), std::string::npos) << tree;
    EXPECT_NE(tree.find("[40] "), std::string::npos) << tree;
  }
  EXPECT_NE(report::text_of_tree(recording, 0).find("a_function_with_a_rather_long_name_39"),
            std::string::npos);
}

}  // namespace
}  // namespace kcov::coverage
