// SPDX-License-Identifier: GPL-2.0-only OR MIT
// SIGINT, SIGTERM and SIGHUP as a flag: whoever waits is woken (EINTR), cleans up and
// returns, instead of the process vanishing and leaving half-made things behind.
#pragma once

namespace kcov {

// To be called once, by main().
void catch_interrupts();

// Back to the system's ways: for long work that leaves nothing behind.
void release_interrupts();

// The signal that asked the program to end, or 0.
int interrupted();

// The exit code of a program that ended on it: 128 + the signal.
inline int interrupt_exit_code() { return 128 + interrupted(); }

}  // namespace kcov
