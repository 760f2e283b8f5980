// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "support/interrupt.hpp"

#include <csignal>
#include <initializer_list>

namespace kcov {
namespace {

volatile std::sig_atomic_t pending = 0;
volatile std::sig_atomic_t count = 0;

void remember(int signal) {
  pending = signal;
  count = count + 1;
}

}  // namespace

void catch_interrupts() {
  pending = 0;
  count = 0;
  struct sigaction action {};
  action.sa_handler = remember;
  sigfillset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old {};
    // A signal that the caller ignores (nohup, a background job) stays ignored.
    sigaction(signal, nullptr, &old);
    if (old.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
}

Status release_interrupts(int dealt_with) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old {};
    sigaction(signal, nullptr, &old);
    if (old.sa_handler == remember) std::signal(signal, SIG_DFL);
  }
  // Looked at last: one that comes now ends us.
  if (count > dealt_with) return interruption();
  pending = 0;
  return {};
}

int interrupted() { return pending; }

int interruptions() { return count; }

}  // namespace kcov
