// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A thread as a task: its state, and its end, for which two nets are out.
//
// 1. glibc runs the destructors of thread_local objects before anything else of a
//    thread's exit, the youngest first. Ours is registered when the thread first
//    asks something of kcov, so all that the thread's exit does is untraced but for
//    the destructors of thread_local objects made after that. Called straight at
//    glibc's own entry, so that a C program needs no C++ library.
// 2. Then it runs the destructors of pthread keys, round by round while any key is
//    set, PTHREAD_DESTRUCTOR_ITERATIONS times at the most. A destructor, of either
//    kind, may enable once more; nothing of the first net runs then. The second is
//    a key that sets itself again, so that it is there in each round. After the last
//    one nothing would undo an enable: it is refused.
//
// exit() runs no destructors of keys; there an exit handler is the second net.
#include <limits.h>
#include <stdlib.h>

#include "port/host/open_files.hpp"

extern "C" int __cxa_thread_atexit_impl(void (*)(void*), void*, void*);
extern "C" void* __dso_handle;

namespace kcov::host {

constinit thread_local Thread this_thread
    [[gnu::tls_model("initial-exec")]]{{}, {nullptr, {{0, UINTPTR_MAX}}}, 0};

namespace {

// Set once by start_watching(), before any thread is watched.
pthread_key_t key;
bool key_exists = false;

struct Watch {
  bool registered;  // net 1; stays so, since it works once
  bool key_set;     // net 2
  unsigned rounds;  // of net 2 that have been
};
constinit thread_local Watch watch{};

void end_task() {
  const Uninterrupted uninterrupted;
  task_exit<HostPort>(this_thread.task);
  unpin_ended();
}

void at_thread_exit(void*) { end_task(); }

bool set_key() noexcept {
  watch.key_set = key_exists && watch.rounds < PTHREAD_DESTRUCTOR_ITERATIONS &&
                  pthread_setspecific(key, &this_thread.task) == 0;
  return watch.key_set;
}

void at_round(void*) {
  ++watch.rounds;
  end_task();
  set_key();
}

}  // namespace

bool watch_thread_exit() noexcept {
  if (!watch.registered)
    watch.registered = __cxa_thread_atexit_impl(at_thread_exit, nullptr, &__dso_handle) == 0;
  return watch.key_set || set_key();
}

void start_watching() noexcept {
  key_exists = pthread_key_create(&key, at_round) == 0;
  // There is no third net: without it such threads stay bound.
  if (atexit(end_task) != 0) return;
}

}  // namespace kcov::host
