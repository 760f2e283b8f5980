// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The callbacks for code whose compiler counts on them (scripts/gcc-plugins/
// kcov_registers_plugin.c): of a call of one only r10, r11 and the flags are lost. Code that counts
// on nothing may call them too, so a kernel has these alone.
//
//   entry       r11 alone: the running task, its mode; who does not trace goes back
//   recorder    of PCs: assembly, in r10 and r11; of comparisons: C++, where the compiler itself
//               saves each register that it takes
//
// The entry jumps to the recorder, so that it finds the return address, the operands and the
// stack as the callback does.
#pragma once

#include <cstddef>

#include "core/callbacks.hpp"
#include "linux_port.hpp"

namespace kcov {
namespace {

// What an entry does before it returns. To the compiler it is an instruction that changes r11:
// so what follows is the return alone, and with it whatever the kernel's options make of one (its
// thunk, or a trap behind it), as endbr64 is at the beginning. It must not make a frame: the
// file is compiled with -fomit-frame-pointer. `Recorder` returns in its place.
template <std::uint32_t Mode, auto Recorder>
[[gnu::always_inline]] inline void record_if_tracing() noexcept {
  asm volatile(KCOV_TASK_IN_R11
               "cmpl %[mode], %c[offset](%%r11)\n"
               "je %P[recorder]\n"
               "9:"
               :
               : [mode] "i"(Mode), [offset] "i"(KCOV_OFFSET_TASK_STATE + KCOV_OFFSET_MODE),
                 [recorder] "i"(Recorder)
               : "r11", "cc");
}

// For the recorders in C++: r11, which the entry leaves the running task in; gcc uses it for
// nothing else here (-ffixed-r11), so the task takes no register that would have to be saved. To be
// asked for wherever it is used: what gcc knows to be the same it copies.
#ifdef __clang__
[[gnu::always_inline]] inline char* running_task() noexcept { return machine::current_task(); }
#else
register char* r11 asm("r11");
[[gnu::always_inline]] inline char* running_task() noexcept {
  asm volatile("" : "=r"(r11));
  return r11;
}
#endif
[[gnu::always_inline]] inline const kcov_task_state& state() noexcept {
  return *reinterpret_cast<const kcov_task_state*>(running_task() + KCOV_OFFSET_TASK_STATE);
}

// Contract 28, of a task that traces in the mode asked for.
[[gnu::always_inline]] inline bool may_record() noexcept {
  // Pairs with the barrier in bind(): the entry has seen the mode, so the area is there.
  compiler_barrier();
  return is_in_place<LinuxPort>(state());
}

// Where a member of the running task's state lies, from the task on.
#define KCOV_STATE_OFFSET(member) (KCOV_OFFSET_TASK_STATE + offsetof(kcov_task_state, member))

// The PC in r10 as it is reported: canonical_pc().
#ifdef CONFIG_RANDOMIZE_BASE
#define KCOV_CANONICAL_R10 "subq %[kaslr_offset], %%r10\n"
#else
#define KCOV_CANONICAL_R10
#endif

// record_pc() of core/trace.hpp, for the task in r11 (contract 24, 25, 28). `Drop` counts a record
// that does not fit, and returns in its place. The compiler's own code of it saves two registers,
// and that alone makes it longer than stock's.
template <auto Drop>
[[gnu::always_inline]] inline void record_pc_in_place() noexcept {
  asm volatile(KCOV_PREEMPT_COUNT_IN_R10D
               "andl %[contexts], %%r10d\n"
               "cmpl %c[soft_interrupt](%%r11), %%r10d\n"
               "jne 9f\n"
               "movq %c[area](%%r11), %%r10\n"
               "movq (%%r10), %%r10\n"
               "cmpq %c[capacity](%%r11), %%r10\n"
               "jae %P[drop]\n"
               "movq %c[area](%%r11), %%r11\n"
               "addq $1, %%r10\n"
               "movq %%r10, (%%r11)\n"
               "leaq (%%r11,%%r10,8), %%r11\n"
               "movq (%%rsp), %%r10\n" KCOV_CANONICAL_R10
               "movq %%r10, (%%r11)\n"
               "9:"
               :
               : [contexts] "i"(KCOV_HARD_INTERRUPT_MASK | KCOV_SOFT_INTERRUPT_MASK),
                 [soft_interrupt] "i"(KCOV_STATE_OFFSET(soft_interrupt)),
                 [area] "i"(KCOV_STATE_OFFSET(bound.area)),
                 [capacity] "i"(KCOV_STATE_OFFSET(bound.capacity)), [drop] "i"(Drop),
                 [kaslr_offset] "e"(machine::kaslr_offset())
               : "r10", "r11", "memory", "cc");
}

[[gnu::always_inline]] inline void drop_in_place() noexcept {
  asm volatile(
      "movq %c[dropped](%%r11), %%r11\n"
      "addq $1, (%%r11)"
      :
      : [dropped] "i"(KCOV_STATE_OFFSET(bound.dropped))
      : "r11", "memory", "cc");
}

}  // namespace
}  // namespace kcov

// A direct jump leads to them: no endbr64.
#ifdef __CET__
#define KCOV_JUMPED_TO gnu::nocf_check
#else
#define KCOV_JUMPED_TO
#endif
#define KCOV_RECORDER extern "C" [[gnu::no_caller_saved_registers, KCOV_JUMPED_TO]] void

#define KCOV_DEFINE_KEEPING_CALLBACKS                                          \
  extern "C" [[KCOV_JUMPED_TO]] void kcov_drop_pc() { kcov::drop_in_place(); } \
  extern "C" [[KCOV_JUMPED_TO]] void kcov_record_pc() {                        \
    kcov::record_pc_in_place<kcov_drop_pc>();                                  \
  }                                                                            \
  extern "C" void __sanitizer_cov_trace_pc();                                  \
  extern "C" void __sanitizer_cov_trace_pc() {                                 \
    kcov::record_if_tracing<KCOV_MODE_TRACE_PC, kcov_record_pc>();             \
  }

#define KCOV_DEFINE_KEEPING_COMPARISON(Port, name, type, Operand)                   \
  KCOV_RECORDER kcov_record_##name(Operand arg1, Operand arg2) {                    \
    if (kcov::may_record())                                                         \
      kcov::record_cmp<Port>(kcov::state(), type, arg1, arg2, KCOV_RETURN_ADDRESS); \
  }                                                                                 \
  extern "C" void __sanitizer_cov_trace_##name(Operand, Operand);                   \
  extern "C" void __sanitizer_cov_trace_##name(Operand, Operand) {                  \
    kcov::record_if_tracing<KCOV_MODE_TRACE_CMP, kcov_record_##name>();             \
  }

#define KCOV_DEFINE_KEEPING_COMPARISON_CALLBACKS                                      \
  KCOV_FOR_EACH_COMPARISON(KCOV_DEFINE_KEEPING_COMPARISON, kcov::LinuxPort)           \
  KCOV_RECORDER kcov_record_switch(std::uint64_t value, const std::uint64_t* cases) { \
    kcov::trace_switch<kcov::LinuxPort>(value, cases, KCOV_RETURN_ADDRESS);           \
  }                                                                                   \
  extern "C" void __sanitizer_cov_trace_switch(std::uint64_t, const std::uint64_t*);  \
  extern "C" void __sanitizer_cov_trace_switch(std::uint64_t, const std::uint64_t*) { \
    kcov::record_if_tracing<KCOV_MODE_TRACE_CMP, kcov_record_switch>();               \
  }
