// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What a task's system calls are given and what they answer, learned at its stops on the way into
// each and out of it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "lab/task_call.hpp"

namespace kcov::agent {

class CallWatch {
 public:
  // The task, of that number in the trace, has stopped for a system call, having made so many
  // records. The call that ends with that, if one does.
  std::optional<lab::TaskCall> stopped(pid_t id, std::uint64_t number, std::uint64_t records);
  // It has execed, in a call whose beginning was seen, or, the first time, was not.
  void execed(pid_t id, std::uint64_t number);
  // It has ended: the call that it was in, if any.
  std::optional<lab::TaskCall> ended();

 private:
  std::optional<lab::TaskCall> call_;  // that it is in
};

}  // namespace kcov::agent
