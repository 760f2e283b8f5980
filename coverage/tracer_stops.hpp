// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What following a command with ptrace adds to its tasks' traces: their stops, when they
// make a task, exec, get a signal, are drained, or have just been made. The program has
// asked for none of that, so it is told apart and left out of its system calls.
//
// A stop is seen by its functions: it begins where the kernel tells the tracer
// (ptrace_notify and what that calls, or ptrace_stop when a signal is the reason), and ends
// with the first function that belongs to none of them after the task woke up again, which
// is where ptrace_stop goes on. The scheduler between the two is not instrumented.
//
//   kernel_clone  ptrace_notify ptrace_do_notify ptrace_stop do_notify_parent_cldstop ...
//                 ptrace_stop ptrace_do_notify            kernel_clone
//                 '----------- the stop -----------------'
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace kcov::coverage {

// For each record of a task's trace whether it is of a stop. `symbols`: of each record.
std::vector<bool> find_tracer_stops(std::span<const std::string_view> symbols);

// Whether a look for signals that came to nothing has only functions such as this one.
bool is_look_for_signals(std::string_view symbol);

}  // namespace kcov::coverage
