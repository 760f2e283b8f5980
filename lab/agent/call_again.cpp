// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/agent/call_again.hpp"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string>

#include "lab/agent/proc.hpp"
#include "support/text.hpp"

namespace kcov::agent {
namespace {

// The calls that end with EINTR when a task is only asked to stop, and do no harm when they
// are made again. (A timeout then begins anew.)
constexpr long kNotRestarted[] = {SYS_epoll_wait,    SYS_epoll_pwait,    SYS_epoll_pwait2,
                                  SYS_semop,         SYS_semtimedop,     SYS_io_getevents,
                                  SYS_io_pgetevents, SYS_rt_sigtimedwait};
constexpr std::uint64_t kSyscallBytes = 2;

}  // namespace

void make_call_again(pid_t task) {
  user_regs_struct registers{};
  if (::ptrace(PTRACE_GETREGS, task, nullptr, &registers) != 0 ||
      static_cast<long>(registers.rax) != -EINTR ||
      std::count(std::begin(kNotRestarted), std::end(kNotRestarted),
                 static_cast<long>(registers.orig_rax)) == 0) {
    return;
  }
  // Unless it is a signal that has ended the call.
  const std::string status = read_proc(task, "status", kMostStatus);
  const std::uint64_t pending = field(status, "SigPnd", 16) | field(status, "ShdPnd", 16);
  if ((pending & ~field(status, "SigBlk", 16)) != 0) return;
  registers.rax = registers.orig_rax;
  registers.rip -= kSyscallBytes;
  (void)::ptrace(PTRACE_SETREGS, task, nullptr, &registers);
}

}  // namespace kcov::agent
