// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A call that loses no register, of code that may use any of them: for callbacks, whose callers
// may count on vectors too (callbacks_x86_64.hpp).
#pragma once

namespace kcov::host {

// Once, before there is a watch (sites.hpp): what this CPU has to be saved.
void start_keep_all() noexcept;

}  // namespace kcov::host
