// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A recording in the formats of others.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/line_coverage.hpp"

namespace kcov::report {
namespace {

using coverage::EntryKind;
using coverage::Recording;
using coverage::Task;

// Two PCs of one line, one of them inlined from a header; a PC without names; one that is the
// tracer's.
Recording small() {
  static symbol::Names names;
  Recording recording;
  const auto add = [&](std::uint64_t pc, std::vector<symbol::Frame> frames) {
    recording.locations.push_back(
        {.pc = pc, .symbol = "open\"", .symbol_offset = pc, .frames = names.keep(frames)});
  };
  add(0x10, {{"open", "fs/open.c", 12, false}});
  add(0x20, {{"fdget", "/src/fd.h", 3, true}, {"open", "fs/open.c", 12, false}});
  add(0x30, {});
  add(0x40, {{"ptrace_stop", "kernel/signal.c", 1, false}});
  add(0x50, {{"open", "fs/open.c", 10, false}});
  add(0x60, {{"nameless", "", 7, false}, {"lineless", "fs/open.c", 0, false}});
  Task& task = recording.tasks.emplace_back();
  task.records = {0, 0, 1, 2, 3, 4, 5};
  task.entries = {{EntryKind::system_call, "openat", {{0, 4}, {5, 7}}},
                  {EntryKind::tracer, "(tracer)", {{4, 5}}}};
  return recording;
}

TEST(Export, lcov_has_a_record_for_each_file) {
  EXPECT_EQ(lcov_of(small(), ""),
            "TN:\nSF:/src/fd.h\nFN:3,fdget\nFNDA:1,fdget\nFNF:1\nFNH:1\nDA:3,1\nLF:1\nLH:1\n"
            "end_of_record\n"
            "TN:\nSF:fs/open.c\nFN:10,open\nFNDA:2,open\nFNF:1\nFNH:1\nDA:10,1\nDA:12,3\nLF:2\n"
            "LH:2\nend_of_record\n");
  const std::string rooted = lcov_of(small(), "/usr/src");
  EXPECT_NE(rooted.find("SF:/usr/src/fs/open.c\n"), std::string::npos);
  EXPECT_NE(rooted.find("SF:/src/fd.h\n"), std::string::npos);
}

TEST(Export, a_name_that_would_be_two_lines_is_one) {
  Recording recording = small();
  const symbol::Frame frame{"f", "fs/a\nSF:b.c", 1, false};
  recording.locations[0].frames = std::span(&frame, 1);
  EXPECT_NE(lcov_of(recording, "").find("SF:fs/a?SF:b.c\n"), std::string::npos);
}

TEST(Export, codecov_has_hits_by_file_and_line) {
  EXPECT_EQ(codecov_of(small(), "linux"),
            "{\"coverage\":{\"/src/fd.h\":{\"3\":1},\"linux/fs/open.c\":{\"10\":1,\"12\":3}}}\n");
}

TEST(Export, jsonl_has_a_line_for_each_PC) {
  const std::string text = jsonl_of(small());
  std::vector<nlohmann::json> lines;
  for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1)
    lines.push_back(nlohmann::json::parse(text.substr(begin, end - begin)));
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[0]["pc"], "0x10");
  EXPECT_EQ(lines[0]["hits"], 2);
  EXPECT_EQ(lines[0]["symbol"], "open\"");
  EXPECT_EQ(lines[0]["calls"]["openat"], 2);
  EXPECT_EQ(lines[1]["frames"][0]["file"], "/src/fd.h");
  EXPECT_EQ(lines[1]["frames"][0]["inlined"], true);
  EXPECT_EQ(lines[2]["frames"].size(), 0u);
  EXPECT_EQ(lines[3]["pc"], "0x50") << "the tracer's is left out";
}

}  // namespace
}  // namespace kcov::report
