// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The functions that the compiler plants calls of: what of kcov runs at every basic block.
// A file of its own, because no sanitizer may look at it; the rest of the core they do see.
#ifdef __x86_64__

#include "callbacks_x86_64.hpp"

KCOV_DEFINE_KEEPING_CALLBACKS
#ifdef CONFIG_KCOV_ENABLE_COMPARISONS
KCOV_DEFINE_KEEPING_COMPARISON_CALLBACKS
#endif

#else

#include "core/callbacks.hpp"
#include "linux_port.hpp"

KCOV_DEFINE_CALLBACKS(kcov::LinuxPort)
#ifdef CONFIG_KCOV_ENABLE_COMPARISONS
KCOV_DEFINE_COMPARISON_CALLBACKS(kcov::LinuxPort)
#endif

#endif
