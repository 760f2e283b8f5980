// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Starting and stopping the tracing of the running task: the order that
// task_state.h prescribes, in one place. Always inline: a kernel's port must not leave it
// to the optimiser whether there is a symbol of that name.
#pragma once

#include "memory.hpp"
#include "task_state.h"

namespace kcov {

// From here on the running task's callbacks of `mode` record as `binding` says.
[[gnu::always_inline]] inline void bind(kcov_task_state& task, std::uint32_t mode,
                                        const kcov_binding& binding) noexcept {
  task.bound = binding;
  // Pairs with the barrier in tracing_task(): the area before the mode.
  compiler_barrier();
  store_once(task.mode, mode);
}

// The running task records nothing from here on.
[[gnu::always_inline]] inline void unbind(kcov_task_state& task) noexcept {
  store_once(task.mode, KCOV_MODE_OFF);
  // The mode before the area: an interrupt after this line finds tracing off.
  compiler_barrier();
  task.bound = kcov_binding{};
}

// A soft interrupt puts what the task was doing aside, and puts it back
// (contract 36): in whatever step of the two above it came upon the task.
// `soft_interrupt`: not 0, what the field is to be meanwhile.
[[gnu::always_inline]] inline void set_aside(kcov_task_state& task,
                                             std::uint32_t soft_interrupt) noexcept {
  task.saved_mode = load_once(task.mode);
  store_once(task.mode, KCOV_MODE_OFF);
  compiler_barrier();
  task.saved = task.bound;
  task.soft_interrupt = soft_interrupt;
}

[[gnu::always_inline]] inline void put_back(kcov_task_state& task) noexcept {
  store_once(task.mode, KCOV_MODE_OFF);
  compiler_barrier();
  task.bound = task.saved;
  task.saved = kcov_binding{};
  store_once(task.soft_interrupt, 0u);
  compiler_barrier();
  store_once(task.mode, task.saved_mode);
}

}  // namespace kcov
