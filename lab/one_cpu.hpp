// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Keeps a program and all that it starts on one CPU at a time.
//
// User-mode Linux is processes that take turns: whenever one of them stops, another is woken. On
// several CPUs a woken process is put on one that is idle, which has to be got out of its sleep
// first, a hundred thousand times a second; on a virtual machine that takes half of all time.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>

namespace kcov::lab {

// Binds the calling process, and what it will start, to the CPU that it runs on.
void stay_on_this_cpu();

// Something else may want that CPU later. look() is to be called about once a second: a program
// that had to wait for its CPU for a good part of the time is let go, and bound to where the kernel
// puts it then.
class OneCpu {
 public:
  // `program`: the leader of a process group that is bound to one CPU. It may be on those that we
  // may be on.
  explicit OneCpu(pid_t program);
  void look();

 private:
  template <typename Visit>
  void for_each_process(Visit visit) const;
  void put_on(const cpu_set_t& cpus) const;

  pid_t program_;
  cpu_set_t allowed_{};
  std::map<pid_t, std::uint64_t> waited_;  // ns, of each process, until the last look
  std::chrono::steady_clock::time_point looked_ = std::chrono::steady_clock::now();
};

}  // namespace kcov::lab
