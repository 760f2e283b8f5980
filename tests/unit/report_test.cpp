// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The formats of `kcovtool trace`, on one small trace.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/trace_report.hpp"

namespace kcov::report {
namespace {

symbol::Location at(std::uint64_t pc, std::string function, std::string file, int line) {
  return {.pc = pc,
          .symbol = function,
          .symbol_offset = pc & 0xff,
          .frames = {{std::move(function), std::move(file), line, false}}};
}

TraceReport small() {
  TraceReport report;
  report.command = {"true", "\xff"};
  report.status = 3;
  report.machine = "um, our kcov";
  report.release = "6.12.1";
  report.build_id = "abcd";
  report.capacity = 100;
  report.dropped = 0;
  report.locations = {at(0x101, "__se_sys_read", "fs/read_write.c", 720),
                      at(0x201, "ksys_read", "fs/read_write.c", 703),
                      at(0x301, "__se_sys_clone", "kernel/fork.c", 9),
                      at(0x401, "pid_vnr", "kernel/pid.c", 5)};
  report.locations[1].frames.insert(report.locations[1].frames.begin(),
                                    {"tiny", "include/linux/tiny.h", 4, true});
  report.locations[1].frames.insert(report.locations[1].frames.begin(),
                                    {"fdget", "fs/file.c", 8, true});
  for (const symbol::Location& location : report.locations) report.pcs.push_back(location.pc);
  cut(report);
  return report;
}

TEST(Report, people_get_a_line_for_each_call_and_a_summary) {
  EXPECT_EQ(text_of(small(), 0),
            "entry                  PCs  functions  in order of first execution\n"
            "read                     2          3  ksys_read > fdget\n"
            "clone                    2          2  pid_vnr\n"
            "2 system calls, 0 page faults, 0 signals; 4 PCs, 4 of them unique, in 6 functions\n"
            "on um, our kcov, Linux 6.12.1\n"
            "1 process or thread started by the command was not traced\n");
}

TEST(Report, a_path_that_does_not_fit_says_how_much_is_left_out) {
  TraceReport report = small();
  report.locations[1].frames[0].function = "a_function_with_a_long_name";
  const std::string text = text_of(report, 58);
  EXPECT_NE(text.find("ksys_read > +1 more\n"), std::string::npos) << text;
}

TEST(Report, dropped_records_are_never_silent) {
  TraceReport report = small();
  report.dropped = 7;
  EXPECT_NE(text_of(report, 0).find("7 records dropped: the buffer of 100 PCs was full"),
            std::string::npos);
  report.dropped.reset();
  EXPECT_EQ(text_of(report, 0).find("dropped"), std::string::npos);
  report.capacity = 4;
  EXPECT_NE(text_of(report, 0).find("an unknown number of records was dropped"), std::string::npos);
}

TEST(Report, what_is_not_known_of_further_tasks_is_no_zero) {
  const std::string unknown =
      "not known whether the command started further processes or threads, which are not traced\n";
  TraceReport report = small();
  EXPECT_EQ(report.untraced_tasks(), 1u);
  report.dropped = 7;
  EXPECT_FALSE(report.untraced_tasks());
  EXPECT_NE(losses_of(report).find("at least 1 process or thread started"), std::string::npos);
  EXPECT_TRUE(nlohmann::json::parse(json_of(report))["untraced_tasks"].is_null());
  report.locations[3].symbol = report.locations[3].frames[0].function = "none";
  EXPECT_NE(losses_of(report).find(unknown), std::string::npos);
  // A kernel that cannot tell how many records it dropped, and a buffer that is full.
  report.dropped.reset();
  EXPECT_EQ(report.untraced_tasks(), 0u);
  report.capacity = report.pcs.size();
  EXPECT_FALSE(report.untraced_tasks());
  // No names.
  report = small();
  report.locations.clear();
  report.entries.clear();
  EXPECT_FALSE(report.untraced_tasks());
  EXPECT_EQ(losses_of(report), unknown);
}

TEST(Report, without_names_the_pcs_are_printed) {
  TraceReport report = small();
  report.locations.clear();
  report.entries.clear();
  report.unnamed = "no image";
  EXPECT_EQ(text_of(report, 0).substr(0, 24), "0x101\n0x201\n0x301\n0x401\n");
  const auto json = nlohmann::json::parse(json_of(report));
  EXPECT_EQ(json["unnamed"], "no image");
  EXPECT_EQ(json["pcs"].size(), 4u);
}

TEST(Report, json_holds_everything_and_bears_any_bytes) {
  const auto json = nlohmann::json::parse(json_of(small()));
  EXPECT_EQ(json["command"][0], "true");
  EXPECT_EQ(json["status"], 3);
  EXPECT_EQ(json["kernel"]["build_id"], "abcd");
  EXPECT_EQ(json["dropped"], 0);
  EXPECT_EQ(json["untraced_tasks"], 1);
  ASSERT_EQ(json["entries"].size(), 2u);
  EXPECT_EQ(json["entries"][0]["kind"], "system call");
  EXPECT_EQ(json["entries"][0]["name"], "read");
  const auto& record = json["entries"][0]["records"][1];
  EXPECT_EQ(record["pc"], "0x201");
  EXPECT_EQ(record["frames"].size(), 3u);
  EXPECT_EQ(record["frames"][0]["function"], "fdget");
  EXPECT_EQ(record["frames"][0]["line"], 8);
}

TEST(Report, dropped_is_null_where_the_kernel_cannot_tell) {
  TraceReport report = small();
  report.dropped.reset();
  EXPECT_TRUE(nlohmann::json::parse(json_of(report))["dropped"].is_null());
}

}  // namespace
}  // namespace kcov::report
