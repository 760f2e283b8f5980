// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Runs a program on the running kernel's kcov and says what was seen.
#pragma once

#include <string>
#include <vector>

#include "program.hpp"

namespace kcov::differential {

// A line for each operation: its result, and what the buffers hold. Two kernels that keep
// the contract give the same lines. Runs in a process of its own. An empty list: that
// process died.
std::vector<std::string> execute(const Program& program);

// What an exec()ed child does: disables each of these descriptors; the exit status tells
// how many said yes.
int after_exec(int count, char** descriptors);

}  // namespace kcov::differential
