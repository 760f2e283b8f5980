// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A stopped task that makes system calls for its tracer. What it was about to do, it does
// afterwards: registers, signal mask and the stack's memory are put back.
#pragma once

#include <signal.h>
#include <sys/types.h>
#include <sys/user.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace kcov::agent {

// What a stop at a system call says; as PTRACE_O_TRACESYSGOOD has it.
inline constexpr int kSystemCallStop = SIGTRAP | 0x80;

class BorrowedTask {
 public:
  // `task` is in a ptrace stop, and its last instruction was a system call: that of the
  // fork() or clone() which made it.
  explicit BorrowedTask(pid_t task);
  // Puts everything back. The task stays stopped, unless it was killed meanwhile.
  ~BorrowedTask();
  BorrowedTask(const BorrowedTask&) = delete;
  BorrowedTask& operator=(const BorrowedTask&) = delete;

  // Why it cannot be borrowed, or was lost; empty: all is well.
  const std::string& trouble() const { return trouble_; }

  pid_t id() const { return task_; }
  // It is gone, and was waited for: nobody will hear of it again.
  bool has_ended() const { return has_ended_; }

  // What the call answers: a result or a negative errno. -ESRCH once there is trouble.
  long call(long number, std::initializer_list<std::uint64_t> arguments);

  // `bytes` bytes of the task's stack that nobody uses; put() writes there.
  static constexpr std::size_t kRoom = 512;
  std::uint64_t room() const { return room_; }
  void put(std::uint64_t address, const void* from, std::size_t bytes);
  void get(std::uint64_t address, void* to, std::size_t bytes);

 private:
  // Runs it to its next stop for a system call.
  bool go_to_system_call_stop();
  void put_back();

  pid_t task_;
  int memory_;
  std::string trouble_;
  bool has_ended_ = false;
  bool stop_sent_ = false;  // SIGSTOP, by somebody, meanwhile
  user_regs_struct registers_{};
  std::uint64_t signal_mask_ = 0;
  std::uint64_t room_ = 0;
  std::vector<char> saved_;
};

}  // namespace kcov::agent
