// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What has to be known and hooked once for a process: where its program was
// loaded, and fork().
#include <link.h>
#include <pthread.h>

#include "port/host/open_files.hpp"

namespace kcov::host {

std::uintptr_t load_bias = 0;

namespace {

pthread_once_t started = PTHREAD_ONCE_INIT;

// Without memory for it KCOV_REMOTE_ENABLE says ENOMEM. No areas for soft interrupts:
// a process has none.
void create_remote() { (void)Remote<HostPort>::create(0, 0); }

// The first object that the dynamic linker reports is the program itself.
int take_load_bias(dl_phdr_info* info, std::size_t, void*) {
  store_once(load_bias, static_cast<std::uintptr_t>(info->dlpi_addr));
  return 1;
}

// The child has this thread's memory, and its signals arrive before anything of ours
// runs in it: nothing is recorded from here on until it is known which of the two runs.
void before_fork() {
  current_task.mode |= KCOV_MODE_IN_SWITCH;
  files_before_fork();
}

void after_fork_in_parent() {
  files_after_fork_in_parent();
  current_task.mode &= ~KCOV_MODE_IN_SWITCH;
}

void after_fork_in_child() {
  // The child's only thread is new, whatever its memory says (contract 31).
  task_init(current_task, current_task.common_handle);
  files_after_fork_in_child();
  // Handles are the process's own.
  HostPort::release(Remote<HostPort>::instance());
  Remote<HostPort>::forget();
  create_remote();
}

void start_once() {
  dl_iterate_phdr(take_load_bias, nullptr);
  start_signals();
  start_jumps();
  start_watching();
  create_remote();
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

}  // namespace

void start() noexcept { pthread_once(&started, start_once); }

}  // namespace kcov::host
