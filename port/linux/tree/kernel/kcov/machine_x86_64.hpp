// SPDX-License-Identifier: GPL-2.0-only OR MIT
// x86_64: where the running task and the preemption count are, and how far from its linked
// address the kernel was put.
//
// Both lie in per-CPU data, at a constant distance from the base of %gs: in one structure,
// pcpu_hot, or in variables of their own, as the series has it (offsets.h says which).
// Boot code sets %gs before the first instrumented function runs, to the first CPU's copy
// in the image, whose task is the initial one: nothing here has to wait for per-CPU set-up.
//
// A non-maskable interrupt may come between any two instructions: each value is loaded
// once, in one instruction, and the task that it finds is the one that it interrupted.
#pragma once

#include <cstdint>

#include "offsets.h"

// A uniprocessor's per-CPU data are plain variables.
#ifdef CONFIG_SMP
#define KCOV_PER_CPU(symbol, offset) "%%gs:" symbol "+" offset "(%%rip)"
#else
#define KCOV_PER_CPU(symbol, offset) symbol "+" offset "(%%rip)"
#endif

// The running task in r11, for an entry of callbacks_x86_64.hpp.
#ifdef KCOV_HOT_TASK
#define KCOV_TASK_IN_R11 "movq " KCOV_PER_CPU("pcpu_hot", KCOV_TEXT(KCOV_HOT_TASK)) ", %%r11\n"
#else
#define KCOV_TASK_IN_R11 "movq " KCOV_PER_CPU("current_task", "0") ", %%r11\n"
#endif

// The preemption count in r10d, for a recorder there.
#ifdef KCOV_HOT_PREEMPT_COUNT
#define KCOV_PREEMPT_COUNT_IN_R10D \
  "movl " KCOV_PER_CPU("pcpu_hot", KCOV_TEXT(KCOV_HOT_PREEMPT_COUNT)) ", %%r10d\n"
#else
#define KCOV_PREEMPT_COUNT_IN_R10D "movl " KCOV_PER_CPU("__preempt_count", "0") ", %%r10d\n"
#endif

// Where the image lies now.
extern "C" char _text[];

namespace kcov::machine {

[[gnu::always_inline]] inline char* current_task() noexcept {
  char* task;
#ifdef KCOV_HOT_TASK
  asm("movq " KCOV_PER_CPU("pcpu_hot", "%c1") ", %0" : "=r"(task) : "i"(KCOV_HOT_TASK));
#else
  asm("movq " KCOV_PER_CPU("current_task", "0") ", %0" : "=r"(task));
#endif
  // From the image on it names a task: spares the caller's test.
  if (task == nullptr) __builtin_unreachable();
  return task;
}

[[gnu::always_inline]] inline std::uint32_t preempt_count() noexcept {
  std::uint32_t count;
  // Volatile: it changes under the code that asks.
#ifdef KCOV_HOT_PREEMPT_COUNT
  asm volatile("movl " KCOV_PER_CPU("pcpu_hot", "%c1") ", %0"
               : "=r"(count)
               : "i"(KCOV_HOT_PREEMPT_COUNT));
#else
  asm volatile("movl " KCOV_PER_CPU("__preempt_count", "0") ", %0" : "=r"(count));
#endif
  return count;
}

[[gnu::always_inline]] inline std::uintptr_t kaslr_offset() noexcept {
#ifdef CONFIG_RANDOMIZE_BASE
  return reinterpret_cast<std::uintptr_t>(_text) - static_cast<std::uintptr_t>(KCOV_LINK_ADDRESS);
#else
  return 0;
#endif
}

}  // namespace kcov::machine
