// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Writes the recording that golden_test.sh shows in each way: two tasks, calls in one another,
// inlined functions, a fault in the midst of a call, names as nobody would wish for.
//   golden_recording FILE [TIMES]    as often in a row
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "coverage/recording_file.hpp"
#include "report/trace_report.hpp"

namespace {

using kcov::coverage::Recording;
using kcov::coverage::Task;
using kcov::symbol::Frame;
using kcov::symbol::Location;

const char* const kHostileName = "evil\033[2J\n<script>&\xff\xe2\x80\xae";
const char* const kHostileFile = "fs/\033]0;title\a漢字漢字漢字漢字.c";
const char* const kLongName =
    "a_function_whose_name_is_rather_longer_than_a_line_of_a_small_terminal_is_wide";
const char* const kLongFile = "drivers/a/directory/with/a/long/name/and/more/directories/in_it.c";

Frame own(const char* function, const char* file, int line) {
  return {function, file, line, false};
}
Frame inlined(const char* function, const char* file, int line) {
  return {function, file, line, true};
}

// A block of the function whose code begins at `start`.
Location block(std::uint64_t start, std::uint64_t offset, const std::vector<Frame>& frames) {
  // Names and frames live until the program ends.
  const auto* const kept = new std::vector<Frame>(frames);
  return {.pc = start + offset,
          .symbol = frames.back().function,
          .symbol_offset = offset,
          .frames = *kept,
          .is_call_site = true};
}

Recording recording(int times) {
  Recording recording;
  recording.command = {"sh", "-c", "cat /etc/hostname"};
  recording.status = 0;
  recording.machine = "um, our kcov";
  recording.release = "6.12.1";
  recording.build_id = "0123456789abcdef0123456789abcdef01234567";
  for (const Location& location : {
           // 0, 1
           block(0x1000, 0x14, {own("handle_syscall", "arch/um/kernel/skas/syscall.c", 23)}),
           block(0x1000, 0x46, {own("handle_syscall", "arch/um/kernel/skas/syscall.c", 33)}),
           // 2
           block(0x2000, 0x10, {own("__se_sys_read", "fs/read_write.c", 720)}),
           // 3, 4, 5
           block(0x3000, 0x10, {own("ksys_read", "fs/read_write.c", 703)}),
           block(0x3000, 0x30,
                 {inlined("fdget", "fs/file.c", 12), inlined("fdget_pos", "fs/file.c", 20),
                  own("ksys_read", "fs/read_write.c", 705)}),
           block(0x3000, 0x60, {own("ksys_read", "fs/read_write.c", 717)}),
           // 6, 7: called in a loop of vfs_read
           block(0x4000, 0x10, {own("rw_verify_area", "fs/read_write.c", 450)}),
           block(0x4000, 0x30, {own("rw_verify_area", "fs/read_write.c", 455)}),
           // 8, 9, 10
           block(0x5000, 0x10, {own("vfs_read", "fs/read_write.c", 560)}),
           block(0x5000, 0x20, {own("vfs_read", "fs/read_write.c", 565)}),
           block(0x5000, 0x90, {own("vfs_read", "fs/read_write.c", 590)}),
           // 11, 12: a fault
           block(0x6000, 0x10, {own("segv", "arch/um/kernel/trap.c", 218)}),
           block(0x7000, 0x10, {own("handle_mm_fault", "mm/memory.c", 6000)}),
           // 13, 14: names
           block(0x8000, 0x10, {own(kHostileName, kHostileFile, 7)}),
           block(0x9000, 0x10, {own(kLongName, kLongFile, 1234)}),
           // 15, 16
           block(0xa000, 0x10, {own("__se_sys_close", "fs/open.c", 1580)}),
           block(0xb000, 0x10, {own("__se_sys_clone", "kernel/fork.c", 2900)}),
           // 17, 18: following
           block(0xc000, 0x10, {own("ptrace_stop", "kernel/signal.c", 2300)}),
           block(0xd000, 0x10, {own("recalc_sigpending", "kernel/signal.c", 170)}),
       })
    recording.locations.push_back(location);
  Task task;
  task.id = task.process = 18;
  task.capacity = 1023;
  task.dropped = 7;
  const std::vector<std::uint32_t> read = {0, 1, 2, 3, 4, 8, 6, 7, 9, 6, 7, 9, 11, 12, 10, 5};
  for (int time = 0; time < times; ++time) {
    task.records.insert(task.records.end(), {0, 1, 16, 17, 18, 17});
    task.records.insert(task.records.end(), read.begin(), read.end());
    task.records.insert(task.records.end(), {0, 1, 15, 14, 13, 0, 1, 15, 14, 13});
  }
  recording.tasks.push_back(task);
  Task child;
  child.id = child.process = 19;
  child.parent = 18;
  child.capacity = 1023;
  child.dropped = 0;
  child.programs = {{0, {"cat", "/etc/\033[31mhostname", "漢字"}}};
  child.records = read;
  child.records.insert(child.records.end(), {0, 1});
  kcov::coverage::Call reads{.records = 16, .number = 0, .arguments = {3, 0x40035000, 4096}};
  reads.result = -5;
  kcov::coverage::Call yields{.records = 18, .number = 24};
  yields.result = 0;
  child.calls = {reads, yields};
  recording.tasks.push_back(child);
  Task untraced;
  untraced.id = 21;
  untraced.process = 19;
  untraced.untraced = "it is in a sandbox (\033[5mseccomp)";
  recording.tasks.push_back(untraced);
  kcov::report::cut(recording);
  return recording;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) return 2;
  const kcov::Status written =
      kcov::coverage::write_recording(argv[1], recording(argc == 3 ? std::atoi(argv[2]) : 1));
  if (!written) std::fprintf(stderr, "golden_recording: %s\n", written.error().message.c_str());
  return written ? 0 : 1;
}
