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

// Whoever calls that stays on the CPU it is on, and what it starts too.
void stay_on_this_cpu();

// Others may be put on that CPU later. To be looked at about once a second: what had to wait for
// its CPU for a good part of the time is let go, and kept where the kernel has put it then.
class OneCpu {
 public:
  // `program`: the leader of a process group, which is on one CPU. Ours are the CPUs it may be on.
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
