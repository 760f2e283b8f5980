// SPDX-License-Identifier: GPL-2.0-only OR MIT
// kcov-agent: the tool's hand inside a machine. As a machine's first process it makes
// the machine ready, runs one command as the tool asks and switches the machine off;
// as `kcov-agent --native FD` it does the same for the machine it is on, without
// touching it. It speaks lab/protocol.hpp on a serial line, or on descriptor FD.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "lab/agent/channel.hpp"
#include "lab/agent/machine.hpp"
#include "lab/agent/proc.hpp"
#include "lab/agent/run.hpp"
#include "support/elf_notes.hpp"

namespace {

using kcov::agent::Channel;
using kcov::lab::FrameType;

// What the command wrote to the host's directories is on its way until then. It may take
// longer than the tool waits for a word from us, so a child does it and we go on talking. It needs
// no memory of its own, and ours, with kcov's buffers in it, would take long to copy.
void flush_files(Channel& channel) {
  std::vector<char> stack(16384);
  const auto flush = [](void*) {
    ::sync();
    return 0;
  };
  const pid_t child = ::clone(flush, stack.data() + stack.size(), CLONE_VM | SIGCHLD, nullptr);
  if (child < 0) {
    ::sync();
    return;
  }
  pollfd ended{static_cast<int>(::syscall(SYS_pidfd_open, child, 0)), POLLIN, 0};
  while (::waitpid(child, nullptr, WNOHANG) == 0) {
    if (::poll(&ended, 1, 1000) == 0) channel.send(FrameType::heartbeat, {});
  }
  if (ended.fd >= 0) ::close(ended.fd);
}

// `machine`: the one we own; null on the native one.
void serve(Channel& channel, const kcov::agent::MachineKind* machine, int spool,
           std::string trouble) {
  utsname names{};
  ::uname(&names);
  channel.send(
      FrameType::hello,
      kcov::lab::Encoder()
          .text(names.release)
          .text(kcov::build_id_in_notes(kcov::agent::read_file("/sys/kernel/notes", 1 << 16)))
          .take());
  kcov::lab::Frame frame;
  kcov::lab::Request request;
  int taken;
  while ((taken = channel.next(frame)) == 0) {
    if (!channel.fill()) return;
  }
  kcov::lab::Outcome outcome{125, "the tool and kcov-agent do not understand each other"};
  if (taken > 0 && frame.type == FrameType::start && decode(frame.payload, request)) {
    if (trouble.empty() && machine != nullptr) {
      trouble = kcov::agent::mount_writable(*machine, request.writable);
    }
    outcome = trouble.empty() ? run_command(channel, request, machine != nullptr, spool)
                              : kcov::lab::Outcome{125, trouble};
  }
  if (machine != nullptr) flush_files(channel);
  channel.send(FrameType::finished, encode(outcome));
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
  if (argc == 3 && std::strcmp(argv[1], "--native") == 0) {
    // Ctrl-C is for the command; whether it ends, and how, we report.
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::signal(signal, SIG_IGN);
    Channel channel(std::atoi(argv[2]));
    ::fcntl(channel.fd(), F_SETFD, FD_CLOEXEC);
    serve(channel, nullptr, -1, {});
    return 0;
  }
  if (::getpid() != 1) return 125;
  const kcov::agent::MachineKind kind = kcov::agent::machine_kind();
  const int spool = kcov::agent::open_spool(kind);
  const std::string trouble = kcov::agent::prepare_machine();
  const int line = kcov::agent::open_line(kind);
  if (line >= 0) {
    Channel channel(line);
    serve(channel, &kind, spool, trouble);
    // Until the tool has everything: it then closes its end.
    while (channel.fill()) {
    }
  }
  ::reboot(RB_POWER_OFF);
  return 125;
}
