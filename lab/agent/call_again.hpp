// SPDX-License-Identifier: GPL-2.0-only OR MIT
#pragma once

#include <sys/types.h>

namespace kcov::agent {

// `task` has come out of a system call because we asked it to stop: back it goes, where Linux does
// not see to that by itself.
void make_call_again(pid_t task);

}  // namespace kcov::agent
