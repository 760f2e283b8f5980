// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/agent/call_watch.hpp"

#include <fcntl.h>
#include <limits.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

namespace kcov::agent {
namespace {

// As linux/ptrace.h has them, which cannot be included beside sys/ptrace.h.
constexpr unsigned long kIntoCall = 1;         // PTRACE_EVENTMSG_SYSCALL_ENTRY
constexpr unsigned long kOutOfCall = 2;        // PTRACE_EVENTMSG_SYSCALL_EXIT
constexpr unsigned long kCodeOf32Bits = 0x23;  // its code segment
// Bytes of a text that are told.
constexpr std::size_t kMostText = 256;

// The text at `address` in the memory behind `memory`; false: there is none.
bool read_text(int memory, std::uint64_t address, lab::TaskCall::Text& text) {
  std::string bytes(kMostText + 1, '\0');
  // Where the pages that are there end within these, fewer come.
  const ssize_t n = ::pread(memory, bytes.data(), bytes.size(), static_cast<off_t>(address));
  if (n <= 0) return false;
  bytes.resize(static_cast<std::size_t>(n));
  const std::size_t end = bytes.find('\0');
  text.is_cut_off = end == std::string::npos;
  bytes.resize(std::min(text.is_cut_off ? bytes.size() : end, kMostText));
  text.bytes = std::move(bytes);
  return true;
}

void read_texts(pid_t id, lab::TaskCall& call) {
  const SystemCall* const known = find_system_call(call.call);
  if (known == nullptr || known->arguments.find('p') == std::string_view::npos) return;
  // /proc, because a kernel need not have process_vm_readv(). An exec gives it other memory, so
  // it is opened each time.
  const std::string path = "/proc/" + std::to_string(id) + "/mem";
  const int memory = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (memory < 0) return;
  for (std::size_t i = 0; i < known->arguments.size(); ++i) {
    lab::TaskCall::Text text;
    text.argument = i;
    if (known->arguments[i] == 'p' && read_text(memory, call.arguments[i], text))
      call.texts.push_back(std::move(text));
  }
  ::close(memory);
}

}  // namespace

std::optional<lab::TaskCall> CallWatch::stopped(pid_t id, std::uint64_t number,
                                                std::uint64_t records) {
  // Not PTRACE_GET_SYSCALL_INFO, which user-mode Linux does not have. The message tells the way
  // into a call from that out of it.
  unsigned long way = 0;
  user_regs_struct registers{};
  if (::ptrace(PTRACE_GETEVENTMSG, id, nullptr, &way) != 0 ||
      ::ptrace(PTRACE_GETREGS, id, nullptr, &registers) != 0)
    return {};
  if (way == kIntoCall) {
    // Of a program of 32 bits the numbers are others.
    if (registers.cs == kCodeOf32Bits) return {};
    call_.emplace();
    call_->number = number;
    call_->records = records;
    call_->call = registers.orig_rax;
    call_->has_arguments = true;
    call_->arguments = {registers.rdi, registers.rsi, registers.rdx,
                        registers.r10, registers.r8,  registers.r9};
    read_texts(id, *call_);
    return {};
  }
  // The end of one that began before it was watched is nobody's.
  if (way != kOutOfCall || !call_) return {};
  call_->records = records;
  call_->has_result = true;
  call_->result = registers.rax;
  return std::exchange(call_, std::nullopt);
}

void CallWatch::execed(pid_t id, std::uint64_t number) {
  if (call_) return;
  call_.emplace();
  call_->number = number;
  call_->call = SYS_execve;
  // What it runs now is all that is known.
  char name[PATH_MAX];
  const ssize_t n = ::readlink(("/proc/" + std::to_string(id) + "/exe").c_str(), name, sizeof name);
  if (n > 0) {
    const std::string_view path(name, static_cast<std::size_t>(n));
    call_->texts.push_back({0, path.size() > kMostText, std::string(path.substr(0, kMostText))});
  }
}

std::optional<lab::TaskCall> CallWatch::ended() { return std::exchange(call_, std::nullopt); }

}  // namespace kcov::agent
