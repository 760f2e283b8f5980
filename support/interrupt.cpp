// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "support/interrupt.hpp"

#include <csignal>
#include <initializer_list>

namespace kcov {
namespace {

volatile std::sig_atomic_t pending = 0;

void remember(int signal) { pending = signal; }

}  // namespace

void catch_interrupts() {
  pending = 0;
  struct sigaction action {};
  action.sa_handler = remember;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old {};
    // A signal that the caller ignores (nohup, a background job) stays ignored.
    sigaction(signal, nullptr, &old);
    if (old.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
}

Status release_interrupts() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old {};
    sigaction(signal, nullptr, &old);
    if (old.sa_handler == remember) std::signal(signal, SIG_DFL);
  }
  // Looked at last: one that comes now ends us.
  return pending == 0 ? Status{} : interruption();
}

int interrupted() { return pending; }

}  // namespace kcov
