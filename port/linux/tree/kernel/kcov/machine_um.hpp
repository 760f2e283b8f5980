// SPDX-License-Identifier: GPL-2.0-only OR MIT
// User-mode Linux: where the running task and the preemption count are.
//
// The task comes from cpu_tasks[], which is null until the kernel has its first
// task: main() calls instrumented library code long before that. The preemption
// count lies at the base of the stack in use, the interrupt stack included.
#pragma once

#include <cstdint>

#include "offsets.h"

// arch/um's table of running tasks: one entry a CPU, one CPU.
extern "C" char* cpu_tasks[];

// The running task in r11, for an entry of callbacks_x86_64.hpp; its end, 9, where there is none.
#define KCOV_TASK_IN_R11 \
  "movq cpu_tasks+" KCOV_TEXT(KCOV_OFFSET_CPU_TASK) "(%%rip), %%r11\n" \
  "testq %%r11, %%r11\n"                                               \
  "je 9f\n"

// The preemption count in r10d, for a recorder there.
#define KCOV_PREEMPT_COUNT_IN_R10D \
  "movq %%rsp, %%r10\n"                                      \
  "andq $-" KCOV_TEXT(KCOV_THREAD_SIZE) ", %%r10\n"          \
  "movl " KCOV_TEXT(KCOV_OFFSET_PREEMPT_COUNT) "(%%r10), %%r10d\n"

namespace kcov::machine {

[[gnu::always_inline]] inline char* current_task() noexcept {
  return __atomic_load_n(&cpu_tasks[KCOV_OFFSET_CPU_TASK / sizeof(char*)], __ATOMIC_RELAXED);
}

[[gnu::always_inline]] inline std::uint32_t preempt_count() noexcept {
  // Any address on the stack serves; asking for the frame's would cost a frame.
  char here;
  std::uintptr_t stack;
  asm("" : "=r"(stack) : "0"(&here));
  const std::uintptr_t thread_info = stack & ~(std::uintptr_t{KCOV_THREAD_SIZE} - 1);
  return *reinterpret_cast<const volatile std::uint32_t*>(thread_info + KCOV_OFFSET_PREEMPT_COUNT);
}

// User-mode Linux is linked at a fixed address.
[[gnu::always_inline]] inline std::uintptr_t kaslr_offset() noexcept { return 0; }

}  // namespace kcov::machine
