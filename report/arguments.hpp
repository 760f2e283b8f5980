// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A system call as it was made, in the way of strace.
#pragma once

#include <string>

#include "coverage/calls.hpp"

namespace kcov::report {

// "openat"; "system call 999" for one that is not in support/system_calls.hpp.
std::string name_of(const coverage::Call& call);

// openat(AT_FDCWD, "/etc/hostname", O_RDONLY|O_CLOEXEC) = 3. `name`: what it is called where the
// number says nothing; empty: nothing is known. All characters are printable. What does not fit
// into so many columns is left out of the arguments; 0: all fit.
std::string text_of_call(const coverage::Call& call, const std::string& name,
                         std::size_t columns = 0);

}  // namespace kcov::report
