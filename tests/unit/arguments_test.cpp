// SPDX-License-Identifier: GPL-2.0-only OR MIT
// System calls as text, and which entry of a trace each is.
#include "report/arguments.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include "coverage/recording.hpp"

namespace kcov::report {
namespace {

using coverage::Call;
using coverage::EntryKind;

Call call(long number, std::array<std::uint64_t, 6> arguments, std::int64_t result) {
  Call made;
  made.number = static_cast<std::uint64_t>(number);
  made.arguments = arguments;
  made.result = result;
  return made;
}
constexpr std::uint64_t kHere = static_cast<std::uint32_t>(AT_FDCWD);

TEST(Arguments, are_told_as_a_programmer_would_write_them) {
  Call open = call(SYS_openat, {kHere, 0x1000, O_RDONLY | O_CLOEXEC, 0777}, 3);
  open.texts = {{1, false, "/etc/hostname"}};
  EXPECT_EQ(text_of_call(open, ""), "openat(AT_FDCWD, \"/etc/hostname\", O_RDONLY|O_CLOEXEC) = 3");
  open.arguments[2] = O_WRONLY | O_CREAT | O_TRUNC;
  open.arguments[3] = 0644;
  open.result = -ENOENT;
  EXPECT_EQ(text_of_call(open, ""),
            "openat(AT_FDCWD, \"/etc/hostname\", O_WRONLY|O_CREAT|O_TRUNC, 0644) = -1 ENOENT (No "
            "such file or directory)");
  // Where there was no text to read, its address.
  open.texts.clear();
  EXPECT_EQ(text_of_call(open, "").substr(0, 24), "openat(AT_FDCWD, 0x1000,");
  EXPECT_EQ(text_of_call(call(SYS_mmap,
                              {0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                               ~std::uint64_t{0}, 0},
                              0x7f0000001000),
                         ""),
            "mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = "
            "0x7f0000001000");
  EXPECT_EQ(text_of_call(call(SYS_lseek, {3, static_cast<std::uint64_t>(-5), SEEK_END}, 7), ""),
            "lseek(3, -5, SEEK_END) = 7");
  EXPECT_EQ(text_of_call(call(SYS_kill, {static_cast<std::uint64_t>(-7), 9}, -EPERM), ""),
            "kill(-7, SIGKILL) = -1 EPERM (Operation not permitted)");
  EXPECT_EQ(text_of_call(call(SYS_futex, {0x10, 128 | 9, 1, 0, 0, 0xffffffff}, 0), ""),
            "futex(0x10, FUTEX_WAIT_BITSET|FUTEX_PRIVATE_FLAG, 1, NULL, NULL, -1) = 0");
  EXPECT_EQ(text_of_call(call(SYS_clone, {0x1200011, 0, 0, 0x20, 0}, 19), ""),
            "clone(CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, NULL, NULL, 0x20, NULL) = 19");
  EXPECT_EQ(text_of_call(call(SYS_socket, {1, 1 | 02000000, 0}, 4), ""),
            "socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 4");
  EXPECT_EQ(text_of_call(call(SYS_access, {0, 0}, 0), ""), "access(NULL, F_OK) = 0");
}

TEST(Arguments, what_is_not_known_is_a_number_or_a_question_mark) {
  EXPECT_EQ(text_of_call(call(999, {1, 0, 2, 3, 4, 5}, -38), ""),
            "system call 999(0x1, NULL, 0x2, 0x3, 0x4, 0x5) = -1 ENOSYS (Function not "
            "implemented)");
  EXPECT_EQ(text_of_call(call(999, {}, 0), "new\033call").substr(0, 9), "new?call(");
  EXPECT_EQ(text_of_call(call(SYS_openat, {kHere, 0, 0x80000000 | O_PATH, 0}, -4000), ""),
            "openat(AT_FDCWD, NULL, O_RDONLY|O_PATH|0x80000000) = -1 (error 4000)");
  Call exit = call(SYS_exit_group, {3}, 0);
  exit.result.reset();
  EXPECT_EQ(text_of_call(exit, ""), "exit_group(3) = ?");
  EXPECT_EQ(text_of_call(call(SYS_pause, {}, -514), ""),
            "pause() = ? ERESTARTNOHAND (to be made again)");
  Call exec = call(SYS_execve, {}, 0);
  exec.has_arguments = false;
  exec.texts = {{0, false, "/bin/true"}};
  EXPECT_EQ(text_of_call(exec, ""), "execve(\"/bin/true\", ?, ?) = 0");
}

TEST(Arguments, texts_are_harmless_and_the_result_stays) {
  Call open = call(SYS_unlink, {1}, 0);
  open.texts = {{0, true, "a\"b\\\n\033[2J\xff漢"}};
  EXPECT_EQ(text_of_call(open, ""), "unlink(\"a\\\"b\\\\\\n\\033[2J?漢\"...) = 0");
  open.texts = {{0, false, std::string(200, 'x')}};
  EXPECT_EQ(text_of_call(open, "", 30), "unlink(\"xxxxxxxxxxxxxx...) = 0");
  EXPECT_EQ(text_of_call(open, "", 8), "unlin...");
}

TEST(Arguments, each_call_finds_its_entry) {
  coverage::Task task;
  task.entries = {{EntryKind::system_call, "execve", {{0, 5}}},
                  {EntryKind::page_fault, "page fault", {{5, 7}}},
                  {EntryKind::system_call, "read", {{7, 9}, {10, 12}}},
                  {EntryKind::page_fault, "page fault", {{9, 10}}},
                  {EntryKind::system_call, "close", {{14, 16}}},
                  {EntryKind::system_call, "exit_group", {{18, 20}}}};
  Call gone = call(SYS_exit_group, {0}, 0);
  gone.result.reset();
  gone.records = 17;
  task.calls = {call(SYS_execve, {}, 0), call(SYS_read, {}, 0), call(SYS_sched_yield, {}, 0),
                call(SYS_close, {}, 0), gone};
  // The number of records at each call's end; the third, whose code is not instrumented, left
  // none.
  task.calls[0].records = 5;
  task.calls[1].records = 13;
  task.calls[2].records = 13;
  task.calls[3].records = 17;
  const auto found = coverage::calls_of_entries(task);
  ASSERT_EQ(found.size(), 6u);
  EXPECT_EQ(found[0], &task.calls[0]);
  EXPECT_EQ(found[1], nullptr);
  EXPECT_EQ(found[2], &task.calls[1]);
  EXPECT_EQ(found[3], nullptr);
  EXPECT_EQ(found[4], &task.calls[3]);
  EXPECT_EQ(found[5], &task.calls[4]);
  task.calls.clear();
  EXPECT_EQ(coverage::calls_of_entries(task)[0], nullptr);
}

}  // namespace
}  // namespace kcov::report
