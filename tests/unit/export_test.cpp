// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Recordings in the formats of others.
#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "report/line_coverage.hpp"
#include "report/pc_formats.hpp"
#include "tests/unit/recordings.hpp"

namespace kcov::report {
namespace {

using coverage::CoverageSet;
using coverage::EntryKind;
using coverage::Recording;
using coverage::Task;
using test::name_store;
using test::set_of;

// Two PCs of one line, one of them inlined from a header; a PC without names; one that is the
// tracer's.
Recording small_export() {
  Recording recording;
  const auto add = [&](std::uint64_t pc, std::vector<symbol::Frame> frames) {
    recording.locations.push_back(
        {.pc = pc, .symbol = "open\"", .symbol_offset = pc, .frames = name_store.keep(frames)});
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

LineCoverage lines_of_small() { return cover_lines(set_of(small_export()), {}); }

TEST(Export, lcov_has_a_record_for_each_file) {
  EXPECT_EQ(lcov_of(lines_of_small(), ""),
            "TN:\nSF:/src/fd.h\nFN:3,fdget\nFNDA:1,fdget\nFNF:1\nFNH:1\nDA:3,1\nLF:1\nLH:1\n"
            "end_of_record\n"
            "TN:\nSF:fs/open.c\nFN:10,open\nFNDA:2,open\nFNF:1\nFNH:1\nDA:10,1\nDA:12,3\nLF:2\n"
            "LH:2\nend_of_record\n");
  const std::string rooted = lcov_of(lines_of_small(), "/usr/src");
  EXPECT_NE(rooted.find("SF:/usr/src/fs/open.c\n"), std::string::npos);
  EXPECT_NE(rooted.find("SF:/src/fd.h\n"), std::string::npos);
}

TEST(Export, with_all_points_what_was_not_reached_is_there_with_0_and_what_is_none_is_not) {
  static const symbol::Frame kFrames[] = {{"open", "fs/open.c", 12, false},
                                          {"fdget", "/src/fd.h", 3, true},
                                          {"open", "fs/open.c", 12, false},
                                          {"close", "fs/open.c", 40, false}};
  symbol::Locations coverable;
  coverable.push_back({.pc = 0x10, .frames = std::span(kFrames, 1)});
  coverable.push_back({.pc = 0x20, .frames = std::span(kFrames + 1, 2)});
  coverable.push_back({.pc = 0x90, .frames = std::span(kFrames + 3, 1)});
  const LineCoverage lines = cover_lines(set_of(small_export()), coverable);
  // 0x50, on line 10, is no point.
  EXPECT_NE(lcov_of(lines, "").find("FN:40,close\nFN:12,open\nFNDA:0,close\nFNDA:2,open\nFNF:2\n"
                                    "FNH:1\nDA:12,3\nDA:40,0\nLF:2\nLH:1\n"),
            std::string::npos)
      << lcov_of(lines, "");
  const LineTotals totals = totals_of(lines);
  EXPECT_EQ(totals.lines, 3u);
  EXPECT_EQ(totals.lines_hit, 2u);
  EXPECT_EQ(totals.functions, 3u);
  EXPECT_EQ(totals.functions_hit, 2u);
}

TEST(Export, a_name_that_would_be_two_lines_is_one) {
  Recording recording = small_export();
  const symbol::Frame frame{"f", "fs/a\nSF:b.c", 1, false};
  recording.locations[0].frames = std::span(&frame, 1);
  const CoverageSet set = set_of(recording);
  EXPECT_NE(lcov_of(cover_lines(set, {}), "").find("SF:fs/a?SF:b.c\n"), std::string::npos);
}

TEST(Export, codecov_has_hits_by_file_and_line) {
  EXPECT_EQ(codecov_of(lines_of_small(), "linux"),
            "{\"coverage\":{\"/src/fd.h\":{\"3\":1},\"linux/fs/open.c\":{\"10\":1,\"12\":3}}}\n");
}

TEST(Export, cobertura_has_a_package_for_each_directory) {
  const std::string text = cobertura_of(lines_of_small(), "/usr/src/linux");
  for (const char* part :
       {"<coverage line-rate=\"1.000000\"", "lines-covered=\"3\" lines-valid=\"3\"",
        "<source>/usr/src/linux</source>", "<package name=\"fs\"", "<package name=\"/src\"",
        "<class name=\"fs/open.c\" filename=\"fs/open.c\"", "<method name=\"fdget\"",
        "<line number=\"12\" hits=\"3\" branch=\"false\"/>"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
}

TEST(Export, cobertura_stays_XML_whatever_the_names_are) {
  const LineCoverage files = {
      {"a<&>\"\n\x01\xff.c", {{{1, 0}}, {{"operator<", {1, 0}}}}},
  };
  const std::string text = cobertura_of(files, "");
  EXPECT_NE(text.find("filename=\"a&lt;&amp;&gt;&quot;??\xef\xbf\xbd.c\""), std::string::npos)
      << text;
  EXPECT_NE(text.find("name=\"operator&lt;\""), std::string::npos);
  EXPECT_NE(text.find("line-rate=\"0.000000\""), std::string::npos);
}

TEST(Export, jsonl_has_a_line_for_each_PC) {
  const std::string text = jsonl_of(set_of(small_export()));
  std::vector<nlohmann::json> lines;
  for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1)
    lines.push_back(nlohmann::json::parse(text.substr(begin, end - begin)));
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[0]["pc"], "0x10");
  EXPECT_EQ(lines[0]["hits"], 2);
  EXPECT_EQ(lines[0]["symbol"], "open\"");
  EXPECT_EQ(lines[0]["calls"], nlohmann::json::array({"openat"}));
  EXPECT_EQ(lines[0]["runs"], 1);
  EXPECT_EQ(lines[1]["frames"][0]["file"], "/src/fd.h");
  EXPECT_EQ(lines[1]["frames"][0]["inlined"], true);
  EXPECT_EQ(lines[2]["frames"].size(), 0u);
  EXPECT_EQ(lines[3]["pc"], "0x50") << "the tracer's is left out";
}

TEST(Export, PCs_and_offsets_are_ascending) {
  const CoverageSet set = set_of(small_export());
  EXPECT_EQ(rawcover_of(set), "0x10\n0x20\n0x30\n0x50\n0x60\n");
  EXPECT_EQ(offsets_of(set, {{"/a/vmlinux", 0x20, 0x60}}),
            "vmlinux+0x10\nvmlinux+0x30\nvmlinux+0x40\n")
      << "the last is behind a call at the very end";
  const Modules modules = {{"/a/vmlinux", 0x10, 0x40}, {"tun.ko", 0x40, 0x60}};
  EXPECT_EQ(offsets_of(set, modules), "vmlinux+0x10\nvmlinux+0x20\ntun.ko+0x10\ntun.ko+0x20\n");
  EXPECT_EQ(count_outside(set, modules), 1u) << "0x10";
}

TEST(Export, drcov_has_modules_and_blocks) {
  const std::string bytes =
      drcov_of(set_of(small_export()), {{"/a\n/vmlinux", 0x10, 0x40}, {"tun.ko", 0x40, 0x50}});
  const std::string head =
      "DRCOV VERSION: 2\nDRCOV FLAVOR: kcov\nModule Table: version 2, count 2\n"
      "Columns: id, base, end, entry, checksum, timestamp, path\n"
      "  0, 0x0000000000000010, 0x0000000000000040, 0x0000000000000000, 0x00000000, 0x00000000, "
      "/a?/vmlinux\n"
      "  1, 0x0000000000000040, 0x0000000000000050, 0x0000000000000000, 0x00000000, 0x00000000, "
      "tun.ko\n"
      "BB Table: 3 bbs\n";
  ASSERT_EQ(bytes.substr(0, head.size()), head);
  ASSERT_EQ(bytes.size(), head.size() + 3 * 8);
  EXPECT_EQ(bytes.substr(head.size() + 8, 8), std::string("\x20\0\0\0\1\0\0\0", 8));
  EXPECT_EQ(bytes.substr(head.size() + 16, 8), std::string("\x10\0\0\0\1\0\1\0", 8));
}

TEST(Export, sancov_has_the_byte_before_each_PC) {
  const std::string bytes = sancov_of(set_of(small_export()));
  ASSERT_EQ(bytes.size(), 6u * 8);
  std::uint64_t numbers[6];
  std::memcpy(numbers, bytes.data(), sizeof numbers);
  EXPECT_EQ(numbers[0], 0xC0BFFFFFFFFFFF64u);
  EXPECT_EQ(numbers[1], 0xfu);
  EXPECT_EQ(numbers[5], 0x5fu);
}

}  // namespace
}  // namespace kcov::report
