// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/agent/borrowed_task.hpp"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#ifndef __x86_64__
#error "kcov-agent: how a task makes a system call is known for x86_64 only"
#endif

namespace kcov::agent {
namespace {

constexpr std::uint64_t kRedZone = 128;
constexpr unsigned char kSyscall[] = {0x0f, 0x05};

// /proc, because a kernel need not have process_vm_readv().
int open_memory(pid_t task) {
  const std::string path = "/proc/" + std::to_string(task) + "/mem";
  return ::open(path.c_str(), O_RDWR | O_CLOEXEC);
}

bool copy_to(int memory, std::uint64_t address, const void* from, std::size_t bytes) {
  return ::pwrite(memory, from, bytes, static_cast<off_t>(address)) == static_cast<ssize_t>(bytes);
}

bool copy_from(int memory, std::uint64_t address, void* to, std::size_t bytes) {
  return ::pread(memory, to, bytes, static_cast<off_t>(address)) == static_cast<ssize_t>(bytes);
}

}  // namespace

BorrowedTask::BorrowedTask(pid_t task) : task_(task), memory_(open_memory(task)) {
  unsigned char instruction[sizeof kSyscall] = {};
  if (memory_ < 0) {
    trouble_ = std::string("its memory cannot be opened: ") + std::strerror(errno);
    return;
  }
  if (::ptrace(PTRACE_GETREGS, task, nullptr, &registers_) != 0) {
    trouble_ = "its registers cannot be read";
    return;
  }
  if (!copy_from(memory_, registers_.rip - sizeof kSyscall, instruction, sizeof instruction) ||
      std::memcmp(instruction, kSyscall, sizeof kSyscall) != 0) {
    trouble_ = "it was not made by a system call of 64 bits";
    return;
  }
  // A stack grows down; what lies below it, but for the red zone, is nobody's.
  room_ = (registers_.rsp - kRedZone - kRoom) & ~std::uint64_t{15};
  saved_.resize(kRoom);
  if (!copy_from(memory_, room_, saved_.data(), kRoom)) {
    trouble_ = "its stack cannot be read";
    saved_.clear();
    return;
  }
  const std::uint64_t all = ~std::uint64_t{0};
  if (::ptrace(PTRACE_GETSIGMASK, task, sizeof signal_mask_, &signal_mask_) != 0 ||
      ::ptrace(PTRACE_SETSIGMASK, task, sizeof all, &all) != 0) {
    trouble_ = "its signal mask cannot be changed";
  }
}

BorrowedTask::~BorrowedTask() {
  if (!saved_.empty()) put_back();
  if (memory_ >= 0) ::close(memory_);
}

void BorrowedTask::put_back() {
  // Whatever fails here fails because the task has been killed.
  (void)copy_to(memory_, room_, saved_.data(), kRoom);
  (void)::ptrace(PTRACE_SETREGS, task_, nullptr, &registers_);
  (void)::ptrace(PTRACE_SETSIGMASK, task_, sizeof signal_mask_, &signal_mask_);
  if (stop_sent_) ::syscall(SYS_tkill, task_, SIGSTOP);
}

bool BorrowedTask::go_to_system_call_stop() {
  for (;;) {
    int status = 0;
    if (::ptrace(PTRACE_SYSCALL, task_, nullptr, nullptr) != 0) return false;
    while (::waitpid(task_, &status, __WALL | __WNOTHREAD) < 0) {
      if (errno != EINTR) return false;
    }
    if (!WIFSTOPPED(status)) {
      has_ended_ = true;
      return false;
    }
    if (WSTOPSIG(status) == kSystemCallStop) return true;
    // The one signal beside SIGKILL that no mask keeps off. It is sent again afterwards.
    if (WSTOPSIG(status) == SIGSTOP && status >> 16 == 0) stop_sent_ = true;
  }
}

long BorrowedTask::call(long number, std::initializer_list<std::uint64_t> arguments) {
  if (!trouble_.empty()) return -ESRCH;
  user_regs_struct registers = registers_;
  registers.rip -= sizeof kSyscall;
  registers.rax = static_cast<std::uint64_t>(number);
  // Not a call that was interrupted and is to be made again.
  registers.orig_rax = ~std::uint64_t{0};
  unsigned long long* const places[] = {&registers.rdi, &registers.rsi, &registers.rdx,
                                        &registers.r10, &registers.r8,  &registers.r9};
  std::size_t next = 0;
  for (const std::uint64_t argument : arguments) *places[next++] = argument;
  if (::ptrace(PTRACE_SETREGS, task_, nullptr, &registers) != 0 || !go_to_system_call_stop() ||
      !go_to_system_call_stop() || ::ptrace(PTRACE_GETREGS, task_, nullptr, &registers) != 0) {
    trouble_ = "it ended before it could be traced";
    return -ESRCH;
  }
  return static_cast<long>(registers.rax);
}

void BorrowedTask::put(std::uint64_t address, const void* from, std::size_t bytes) {
  if (trouble_.empty() && !copy_to(memory_, address, from, bytes))
    trouble_ = "its stack cannot be written";
}

void BorrowedTask::get(std::uint64_t address, void* to, std::size_t bytes) {
  if (trouble_.empty() && !copy_from(memory_, address, to, bytes))
    trouble_ = "its stack cannot be read";
}

}  // namespace kcov::agent
