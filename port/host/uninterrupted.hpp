// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What the library must not meet while it holds a lock of its own: a signal's handler on
// the thread that holds it, which may close a file, and that thread's cancellation. A
// handler for what the library's own code brings about (a sandbox's SIGSYS) is called, and
// may not call the library.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace kcov::host {

// Off between begin() and end(), which nest.
class Interruptions {
 public:
  void begin() noexcept {
    sigset_t all;
    sigfillset(&all);
    // What a thread brings upon itself comes even when it is blocked, and then kills.
    for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS})
      sigdelset(&all, number);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_before_);
    // glibc looks at the state when it sends a cancellation, and at the type when it comes.
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type_before_);
    pthread_sigmask(SIG_BLOCK, &all, &blocked_before_);
  }
  void end() const noexcept {
    pthread_sigmask(SIG_SETMASK, &blocked_before_, nullptr);
    pthread_setcanceltype(type_before_, nullptr);
    pthread_setcancelstate(cancel_before_, nullptr);
  }

 private:
  sigset_t blocked_before_;
  int cancel_before_;
  int type_before_;
};

class Uninterrupted {
 public:
  Uninterrupted() noexcept { interruptions_.begin(); }
  ~Uninterrupted() { interruptions_.end(); }
  Uninterrupted(const Uninterrupted&) = delete;
  Uninterrupted& operator=(const Uninterrupted&) = delete;

 private:
  Interruptions interruptions_;
};

}  // namespace kcov::host
