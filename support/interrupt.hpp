// SPDX-License-Identifier: GPL-2.0-only OR MIT
// SIGINT, SIGTERM and SIGHUP as a flag: whoever waits is woken (EINTR), cleans up and
// returns, instead of the process vanishing and leaving half-made things behind.
#pragma once

#include "support/result.hpp"

namespace kcov {

// From now on; what came before counts as dealt with.
void catch_interrupts();

// The signal that asked the program to end last, or 0.
int interrupted();

// How many have since catch_interrupts().
int interruptions();

// The exit code of a program that ended on it: 128 + the signal.
inline int interrupt_exit_code() { return 128 + interrupted(); }

// What an operation that was interrupted returns.
inline Error interruption() { return Error{"interrupted", interrupt_exit_code()}; }

// Back to the system's ways, in which the signal itself ends the program: for long work
// that leaves nothing behind, and writing to a reader who may not read. An Error when more
// than the first `dealt_with` have come before; these are then forgotten.
Status release_interrupts(int dealt_with = 0);

}  // namespace kcov
