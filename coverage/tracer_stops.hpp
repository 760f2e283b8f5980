// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What following a command with ptrace adds to its tasks' traces: their stops, when they
// make a task, exec, get a signal, are drained, or have just been made. The program has
// asked for none of that, so it is told apart and left out of its system calls.
//
// A stop begins where the kernel tells the tracer (ptrace_notify and what that calls, or
// ptrace_stop when a signal is the reason), and ends with the first function that belongs
// to none of them after the task woke up again, which is where ptrace_stop goes on. The
// scheduler between the two is not instrumented.
//
//   kernel_clone  ptrace_notify ptrace_do_notify ptrace_stop do_notify_parent_cldstop ...
//                 ptrace_stop ptrace_do_notify            kernel_clone
//                 '----------- the stop -----------------'
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coverage/code.hpp"

namespace kcov::coverage {

// The records that are of stops, as ranges of a task's `records`.
std::vector<Range> find_tracer_stops(std::span<const std::uint32_t> records, const Code& code);

}  // namespace kcov::coverage
