// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The machine we are on: the agent is a child of ours and touches nothing but kcov.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "lab/machine.hpp"
#include "lab/paths.hpp"
#include "lab/supervisor.hpp"

namespace kcov::lab {

Result<std::unique_ptr<Machine>> open_native() {
  const Result<std::filesystem::path> agent = agent_path();
  if (!agent) return agent.error();
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error{"cannot make a socket: " + errno_text(errno)};
  }
  std::unique_ptr<Machine> machine(new Machine);
  machine->channel_ = ends[0];
  const Result<Supervised> started = supervise({
      .arguments = {agent->string(), "--native", "3"},
      .environment = {},
      .channel = ends[1],
      .log = {},
      .directory = {},
      .own_group = false,
  });
  ::close(ends[1]);
  if (!started) return started.error();
  machine->supervisor_ = started->supervisor;
  machine->life_ = started->life;
  return machine;
}

}  // namespace kcov::lab
