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

// The first object that the dynamic linker reports is the program itself.
int take_load_bias(dl_phdr_info* info, std::size_t, void*) {
  store_once(load_bias, static_cast<std::uintptr_t>(info->dlpi_addr));
  return 1;
}

void after_fork_in_child() {
  files_after_fork_in_child();
  // The child's only thread is new, whatever its memory says (contract 31).
  task_init(current_task, current_task.common_handle);
}

void start_once() {
  dl_iterate_phdr(take_load_bias, nullptr);
  start_watching();
  pthread_atfork(files_before_fork, files_after_fork_in_parent, after_fork_in_child);
}

}  // namespace

void start() noexcept { pthread_once(&started, start_once); }

}  // namespace kcov::host
