// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Recordings: what is missing in one is told; and what was found is printed, whatever is in it.
#include <nlohmann/json.hpp>

#include "tests/doctor/fake_host.hpp"

namespace kcov::doctor {
namespace {

using coverage::Recording;
using coverage::Task;

// Nothing is wrong with it.
Recording sound() {
  Recording recording;
  recording.command = {"ls"};
  recording.status = 0;
  recording.machine = "um, our kcov";
  recording.release = "6.12.1";
  Task task;
  task.id = 18;
  task.capacity = 1023;
  task.dropped = 0;
  task.programs = {{0, {"ls"}}};
  for (std::uint32_t i = 0; i < 100; ++i) {
    recording.locations.push_back({.pc = 0x1000 + i});
    recording.locations[i].is_call_site = true;
    recording.locations[i].symbol = "vfs_read";
    task.records.push_back(i);
  }
  task.entries = {{coverage::EntryKind::system_call, "read", {{0, 50}}},
                  {coverage::EntryKind::system_call, "(not instrumented)", {{50, 100}}}};
  recording.tasks.push_back(task);
  return recording;
}

Section examine(const Recording& recording) { return check_recording(recording, "run.kcov"); }

TEST(RecordingExamined, A_sound_one_has_no_problem) {
  const Section section = examine(sound());
  EXPECT_FALSE(section.has_problem());
  EXPECT_EQ(section.title, "the recording run.kcov (um, our kcov, Linux 6.12.1)");
  EXPECT_TOLD(section, "end", "ok | the command ended with status 0");
  EXPECT_TOLD(section, "records", "ok | 100 PCs, 100 of them unique");
  EXPECT_TOLD(section, "calls", "ok | 2 system calls, 1 of them (not instrumented)");
  EXPECT_TOLD(section, "addresses", "ok | 100 of 100");
}

TEST(RecordingExamined, One_that_was_broken_off_says_so) {
  Recording recording = sound();
  recording.status = std::nullopt;
  recording.tasks[0].ended = false;
  EXPECT_TOLD(examine(recording), "end", "problem | it was broken off while 1 of 1 tasks ran");
  recording.status = 137;
  EXPECT_TOLD(examine(recording), "end", "ok | the command was ended by signal 9");
  recording.tasks.clear();
  EXPECT_TOLD(examine(recording), "tasks", "problem | there is none in it");
}

TEST(RecordingExamined, Tasks_that_were_not_traced_are_told_by_the_reason) {
  Recording recording = sound();
  for (int i = 0; i < 3; ++i) {
    Task task;
    task.id = 20 + static_cast<std::uint64_t>(i);
    task.untraced = i == 0 ? "it is in a sandbox" : "no memory";
    recording.tasks.push_back(task);
  }
  const std::string tasks = told(examine(recording), "tasks");
  EXPECT_NE(tasks.find("task 20 was not traced: it is in a sandbox"), std::string::npos) << tasks;
  EXPECT_NE(tasks.find("task 21 and 1 more were not traced: no memory"), std::string::npos)
      << tasks;
}

TEST(RecordingExamined, Nothing_recorded_is_told) {
  Recording recording = sound();
  recording.tasks[0].records.clear();
  EXPECT_TOLD(examine(recording), "records", "problem | the kernel recorded nothing");
  EXPECT_EQ(told(examine(recording), "names"), "");
  recording.release.clear();
  EXPECT_TOLD(examine(recording), "records", "kcov_instrument()");
}

TEST(RecordingExamined, What_was_dropped_takes_a_larger_buffer) {
  Recording recording = sound();
  recording.tasks[0].dropped = 5000;
  EXPECT_TOLD(examine(recording), "buffers",
              "problem | task 18, ls dropped 5000 records, which did not fit into its buffer of "
              "1023 | kcovtool trace --buffer 5120");
  recording.tasks[0].dropped = std::nullopt;
  recording.tasks[0].was_full = true;
  EXPECT_TOLD(examine(recording), "buffers", "task 18, ls filled its buffer of 1023; how many");
  recording.tasks[0].was_full = false;
  EXPECT_TOLD(examine(recording), "buffers", "ok | ");
}

TEST(RecordingExamined, PCs_that_kcov_does_not_record_are_told_from_those_of_another_build) {
  Recording recording = sound();
  for (std::size_t i = 0; i < 2; ++i) recording.locations[i].is_call_site = false;
  EXPECT_TOLD(examine(recording), "addresses", "ok | 98 of 100");
  // What is no code at all is told, however little of it there is.
  recording.locations[1].symbol = {};
  EXPECT_TOLD(examine(recording), "addresses",
              "2 of 100 PCs lie behind no call of kcov in the image, 1 of them in no function "
              "(such as 0x1001)");
  recording.locations[1].symbol = "vfs_read";
  for (std::size_t i = 0; i < 10; ++i) recording.locations[i].is_call_site = false;
  EXPECT_TOLD(examine(recording), "addresses",
              "problem | 10 of 100 PCs lie behind no call of kcov in the image, 0 of them in no "
              "function (such as 0x1000): the traced program");
  for (std::size_t i = 0; i < 60; ++i) recording.locations[i].is_call_site = false;
  EXPECT_TOLD(examine(recording), "addresses",
              "it is the image of another build | name the vmlinux");
  recording.unnamed = "no image was found";
  EXPECT_TOLD(examine(recording), "names", "problem | no image was found");
  EXPECT_EQ(told(examine(recording), "addresses"), "");
}

TEST(Findings, Are_printed_harmlessly_and_counted) {
  Examination examination;
  Section& wanted = examination.sections.emplace_back();
  wanted.title = "one\x1b[31m";
  wanted.ok("first", "it\nis", "");
  EXPECT_TRUE(examination.is_well());
  EXPECT_NE(text_of(examination).find("one\\x1b[31m\n  ok        first  it\\x0ais\n"),
            std::string::npos)
      << text_of(examination);
  EXPECT_NE(text_of(examination).find("nothing wrong was found\n"), std::string::npos);
  Section& other = examination.sections.emplace_back();
  other.title = "two";
  other.decides = false;
  other.problem("second", "\xff", "do this");
  EXPECT_TRUE(examination.is_well());
  EXPECT_NE(text_of(examination)
                .find("nothing wrong was found; 1 problem elsewhere, in what was not asked for"),
            std::string::npos);
  other.decides = true;
  other.not_known("third", "who knows");
  EXPECT_FALSE(examination.is_well());
  EXPECT_NE(text_of(examination).find("remedy: do this\n"), std::string::npos);
  EXPECT_NE(text_of(examination).find("\n1 problem\n"), std::string::npos);
  const auto json = nlohmann::json::parse(json_of(examination));
  EXPECT_EQ(json["well"], false);
  EXPECT_EQ(json["sections"][1]["findings"][0]["verdict"], "problem");
  EXPECT_EQ(json["sections"][1]["findings"][0]["remedy"], "do this");
  EXPECT_EQ(json["sections"][1]["findings"][1]["verdict"], "not known");
  EXPECT_FALSE(json["sections"][0]["findings"][0].contains("remedy"));
}

}  // namespace
}  // namespace kcov::doctor
