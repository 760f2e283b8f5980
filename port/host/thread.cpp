// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A thread as a task: its state, and its end.
//
// glibc runs the destructors of thread_local objects before anything else of a
// thread's exit, the youngest first. Ours is registered when the thread first
// asks something of kcov, so all that the thread's exit does is untraced but for
// the destructors of thread_local objects made after that. Called straight at
// glibc's own entry, so that a C program needs no C++ library.
#include "port/host/host_port.hpp"

extern "C" int __cxa_thread_atexit_impl(void (*)(void*), void*, void*);
extern "C" void* __dso_handle;

namespace kcov::host {

constinit thread_local kcov_task_state current_task [[gnu::tls_model("initial-exec")]]{};

namespace {

constinit thread_local bool exit_watched = false;

void thread_exit(void*) {
  HostDescriptor::task_exit(current_task);
  // A destructor that runs later may trace again: it will be watched again.
  exit_watched = false;
}

}  // namespace

void watch_thread_exit() noexcept {
  if (exit_watched) return;
  exit_watched = __cxa_thread_atexit_impl(thread_exit, nullptr, &__dso_handle) == 0;
}

}  // namespace kcov::host
