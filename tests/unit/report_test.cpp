// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The formats of `kcovtool trace`, on one small trace.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/tables.hpp"
#include "report/trace_report.hpp"
#include "tests/unit/recordings.hpp"

namespace kcov::report {
namespace {

using test::name_store;

symbol::Location at(std::uint64_t pc, std::string_view function, std::string_view file, int line) {
  const symbol::Frame frame{function, file, line, false};
  return {.pc = pc,
          .symbol = function,
          .symbol_offset = pc & 0xff,
          .frames = name_store.keep(std::span(&frame, 1))};
}

Recording small_report() {
  Recording report;
  report.command = {"true", "\xff"};
  report.status = 3;
  report.machine = "um, our kcov";
  report.release = "6.12.1";
  report.build_id = "abcd";
  report.locations.push_back(at(0x101, "__se_sys_read", "fs/read_write.c", 720));
  report.locations.push_back({.pc = 0x201,
                              .symbol = "ksys_read",
                              .symbol_offset = 1,
                              .frames = name_store.keep(std::vector<symbol::Frame>{
                                  {"fdget", "fs/file.c", 8, true},
                                  {"tiny", "include/linux/tiny.h", 4, true},
                                  {"ksys_read", "fs/read_write.c", 703, false}})});
  report.locations.push_back(at(0x301, "__se_sys_clone", "kernel/fork.c", 9));
  report.locations.push_back(at(0x401, "pid_vnr", "kernel/pid.c", 5));
  Task task;
  task.id = task.process = 7;
  task.capacity = 100;
  task.dropped = 0;
  task.records = {0, 1, 2, 3};
  report.tasks.push_back(std::move(task));
  cut(report);
  return report;
}

// The same with a child, which runs another program and executes nothing new but one block.
Recording with_child() {
  Recording report = small_report();
  report.locations.push_back(at(0x501, "__se_sys_execve", "fs/exec.c", 3));
  Task child;
  child.id = child.process = 8;
  child.parent = 7;
  child.capacity = 100;
  child.dropped = 0;
  child.records = {4, 0, 1};
  child.programs = {{0, {"echo", "\x1b[31m"}}};
  report.tasks.push_back(std::move(child));
  cut(report);
  return report;
}

TEST(Report, people_get_a_line_for_each_call_and_a_summary) {
  EXPECT_EQ(text_of(small_report(), 0),
            "entry                  PCs    new  functions  in order of first execution\n"
            "read                     2      2          3  ksys_read > fdget\n"
            "clone                    2      2          2  pid_vnr\n"
            "2 system calls, 0 page faults, 0 signals; 4 PCs, 4 of them unique, in 6 functions\n"
            "on um, our kcov, Linux 6.12.1\n");
}

TEST(Report, each_task_has_its_own_lines) {
  EXPECT_EQ(text_of(with_child(), 0),
            "entry                  PCs    new  functions  in order of first execution\n"
            "\n"
            "process 7\n"
            "read                     2      2          3  ksys_read > fdget\n"
            "clone                    2      2          2  pid_vnr\n"
            "\n"
            "process 8, started by 7\n"
            "execve                   1      1          1  __se_sys_execve\n"
            "  runs echo ?[31m\n"
            "read                     2      0          3  ksys_read > fdget\n"
            "\n"
            "2 tasks; 4 system calls, 0 page faults, 0 signals; 7 PCs, 5 of them unique, in 7 "
            "functions\n"
            "on um, our kcov, Linux 6.12.1\n");
}

TEST(Report, a_task_that_is_not_traced_says_why) {
  Recording report = with_child();
  report.tasks[1] = {};
  report.tasks[1].id = 9;
  report.tasks[1].process = 8;
  report.tasks[1].untraced = "it is in a sandbox (seccomp)";
  EXPECT_NE(text_of(report, 0).find("\nthread 9 of process 8, not traced: it is in a sandbox "
                                    "(seccomp)\n"),
            std::string::npos);
  EXPECT_EQ(losses_of(report), "process 8, thread 9: not traced: it is in a sandbox (seccomp)\n");
}

// with_child(): read, clone; execve, read.
TEST(Report, calls_are_summed_by_name) {
  EXPECT_EQ(text_of_calls(with_child(), 0),
            "call                  times        PCs  unique functions  files\n"
            "clone                     1          2       2         2      2\n"
            "read                      2          4       2         4      3\n"
            "execve                    1          1       1         1      1\n");
}

TEST(Report, functions_know_where_they_are_and_who_reached_them) {
  const Recording recording = with_child();
  EXPECT_EQ(text_of_functions(recording, 0),
            "file:line                                 PCs     times  function                     "
            "reached by\n"
            "fs/exec.c:3                                 1         1  __se_sys_execve              "
            "execve\n"
            "fs/file.c:8                                 1         2  fdget                        "
            "read\n"
            "fs/read_write.c:703                         1         2  ksys_read                    "
            "read\n"
            "fs/read_write.c:720                         1         2  __se_sys_read                "
            "read\n"
            "include/linux/tiny.h:4                      1         2  tiny                         "
            "read\n"
            "kernel/fork.c:9                             1         1  __se_sys_clone               "
            "clone\n"
            "kernel/pid.c:5                              1         1  pid_vnr                      "
            "clone\n");
}

// Whatever file its lines are of; the first one is of its own.
TEST(Report, a_function_stands_once_with_the_file_that_declares_it) {
  Recording recording = small_report();
  const std::size_t count = sum_functions(recording).size();
  for (const char* function : {"pid_vnr", "__se_sys_clone"}) {
    const symbol::Frame frame{function, "include/linux/err.h", 1, false,
                              function[0] == 'p' ? "kernel/pid.c" : "kernel/fork.c"};
    recording.locations[2].frames = name_store.keep(std::span(&frame, 1));
    const std::string text = text_of_functions(recording, 0);
    EXPECT_EQ(text.find("err.h"), std::string::npos) << text;
    const bool is_beside = function[0] == 'p';
    EXPECT_EQ(sum_functions(recording).size(), count - is_beside) << text;
    // None of its own lines was recorded, or another one was.
    EXPECT_NE(text.find(is_beside ? "\nkernel/pid.c:5 " : "\nkernel/fork.c "), std::string::npos)
        << text;
  }
}

TEST(Report, files_have_functions_and_lines) {
  EXPECT_EQ(text_of_files(with_child(), 0),
            "functions  lines     PCs  file\n"
            "        1      1       1  fs/exec.c\n"
            "        1      1       1  fs/file.c\n"
            "        2      2       2  fs/read_write.c\n"
            "        1      1       1  include/linux/tiny.h\n"
            "        1      1       1  kernel/fork.c\n"
            "        1      1       1  kernel/pid.c\n");
}

TEST(Report, sums_leave_out_what_following_added) {
  Recording recording = small_report();
  const std::string calls = text_of_calls(recording, 0);
  const std::string functions = text_of_functions(recording, 0);
  const std::string files = text_of_files(recording, 0);
  const auto added = static_cast<std::uint32_t>(recording.locations.size());
  recording.locations.push_back(at(0x601, "ptrace_stop", "kernel/signal.c", 2));
  recording.locations.push_back(at(0x701, "recalc_sigpending", "kernel/signal.c", 3));
  recording.tasks[0].records = {0, 1, 2, added, added + 1, added, 3};
  recording.tasks[0].entries.clear();
  cut(recording);
  EXPECT_EQ(text_of_calls(recording, 0), calls);
  EXPECT_EQ(text_of_functions(recording, 0), functions);
  EXPECT_EQ(text_of_files(recording, 0), files);
}

// One that many calls reach, in columns that do not hold their names.
TEST(Report, who_reached_a_function_is_cut_to_the_width) {
  Recording recording = small_report();
  coverage::Task& task = recording.tasks[0];
  task.entries.clear();
  task.records = {3, 3, 3, 3};
  for (std::uint32_t i = 0; i < 4; ++i) {
    task.entries.push_back({coverage::EntryKind::system_call,
                            std::string("a_long_name_of_a_call_") + char('a' + i),
                            {{i, i + 1}}});
  }
  const std::string text = text_of_functions(recording, 120);
  EXPECT_NE(text.find("a_long_name_of_a_call_a +3 more\n"), std::string::npos) << text;
  for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1)
    EXPECT_LE(end - begin, 120u);
}

TEST(Report, a_path_that_does_not_fit_says_how_much_is_left_out) {
  Recording report = small_report();
  std::vector<symbol::Frame> frames(report.locations[1].frames.begin(),
                                    report.locations[1].frames.end());
  frames[0].function = "a_function_with_a_long_name";
  report.locations[1].frames = frames;
  const std::string text = text_of(report, 58);
  EXPECT_NE(text.find("ksys_read > +1 more\n"), std::string::npos) << text;
}

TEST(Report, what_following_added_is_in_no_total) {
  Recording report = small_report();
  const std::string before = text_of(report, 0);
  const auto added = static_cast<std::uint32_t>(report.locations.size());
  report.locations.push_back(at(0x601, "ptrace_stop", "kernel/signal.c", 2));
  report.locations.push_back(at(0x701, "recalc_sigpending", "kernel/signal.c", 3));
  report.tasks[0].records = {0, 1, 2, added, added + 1, added, 3};
  report.tasks[0].entries.clear();
  cut(report);
  EXPECT_EQ(text_of(report, 0), before);
  EXPECT_EQ(raw_of(report), "0x101\n0x201\n0x301\n0x401\n");
}

TEST(Report, dropped_records_are_never_silent) {
  Recording report = small_report();
  Task& task = report.tasks[0];
  task.dropped = 7;
  EXPECT_NE(text_of(report, 0).find("7 records dropped: the buffer of 100 PCs was full"),
            std::string::npos);
  task.dropped.reset();
  EXPECT_EQ(text_of(report, 0).find("dropped"), std::string::npos);
  task.was_full = true;
  EXPECT_NE(text_of(report, 0).find("an unknown number of records was dropped"), std::string::npos);
  report = with_child();
  report.tasks[1].dropped = 7;
  EXPECT_NE(losses_of(report).find("process 8, thread 8: 7 records dropped"), std::string::npos);
}

TEST(Report, without_names_the_pcs_are_printed) {
  Recording report = small_report();
  for (symbol::Location& location : report.locations) location = {.pc = location.pc};
  report.tasks[0].entries.clear();
  report.unnamed = "no image";
  EXPECT_EQ(text_of(report, 0).substr(0, 24), "0x101\n0x201\n0x301\n0x401\n");
  const auto json = nlohmann::json::parse(json_of(report));
  EXPECT_EQ(json["unnamed"], "no image");
  EXPECT_EQ(json["tasks"][0]["trace"].size(), 4u);
  EXPECT_EQ(json["locations"][3]["pc"], "0x401");
}

TEST(Report, json_holds_everything_and_bears_any_bytes) {
  const auto json = nlohmann::json::parse(json_of(with_child()));
  EXPECT_EQ(json["command"][0], "true");
  EXPECT_EQ(json["status"], 3);
  EXPECT_EQ(json["kernel"]["build_id"], "abcd");
  ASSERT_EQ(json["tasks"].size(), 2u);
  const auto& task = json["tasks"][0];
  EXPECT_EQ(task["dropped"], 0);
  EXPECT_EQ(task["records"], 4);
  ASSERT_EQ(task["entries"].size(), 2u);
  EXPECT_EQ(task["entries"][0]["kind"], "system call");
  EXPECT_EQ(task["entries"][0]["name"], "read");
  EXPECT_EQ(task["entries"][0]["records"], (std::vector<int>{0, 1}));
  EXPECT_EQ(json["tasks"][1]["parent"], 7);
  EXPECT_EQ(json["tasks"][1]["programs"][0]["records"], 0);
  EXPECT_EQ(json["tasks"][1]["programs"][0]["arguments"][0], "echo");
  const auto& location = json["locations"][1];
  EXPECT_EQ(location["pc"], "0x201");
  EXPECT_EQ(location["frames"].size(), 3u);
  EXPECT_EQ(location["frames"][0]["function"], "fdget");
  EXPECT_EQ(location["frames"][0]["line"], 8);
}

TEST(Report, dropped_is_null_where_the_kernel_cannot_tell) {
  Recording report = small_report();
  report.tasks[0].dropped.reset();
  EXPECT_TRUE(nlohmann::json::parse(json_of(report))["tasks"][0]["dropped"].is_null());
}

}  // namespace
}  // namespace kcov::report
