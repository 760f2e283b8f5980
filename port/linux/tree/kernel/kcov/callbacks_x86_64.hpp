// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The callbacks for code whose compiler counts on them (scripts/gcc-plugins/
// kcov_registers_plugin.c): of a call of one only r11 and the flags are lost. Code that counts
// on nothing may call them too, so a kernel has these alone.
//
//   entry       r11 alone: the running task, its mode; who does not trace goes back
//   recorder    the body, in C++, where the compiler itself saves each register that it takes
//
// The entry jumps to the recorder, so that it finds the return address, the operands and the
// stack as the callback does.
#pragma once

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

// For the recorders: the state of the running task, which traces in the mode asked for, or null
// where this is none of its context.
[[gnu::always_inline]] inline kcov_task_state* task_in_place() noexcept {
#ifdef __clang__
  char* const task = machine::current_task();
#else
  // As the entry has left it: gcc uses r11 for nothing else here (-ffixed-r11).
  register char* task asm("r11");
  asm volatile("" : "=r"(task));
#endif
  auto* const state = reinterpret_cast<kcov_task_state*>(task + KCOV_OFFSET_TASK_STATE);
  // Spares the callers' test, as in LinuxPort::current().
  if (state == nullptr) __builtin_unreachable();
  // Pairs with the barrier in bind(): the entry has seen the mode, so the area is there.
  compiler_barrier();
  if (!is_in_place<LinuxPort>(*state)) [[unlikely]]
    return nullptr;
  return state;
}

}  // namespace
}  // namespace kcov

#ifdef __CET__
// A direct jump leads to it: no endbr64.
#define KCOV_RECORDER [[gnu::no_caller_saved_registers, gnu::nocf_check]] static void
#else
#define KCOV_RECORDER [[gnu::no_caller_saved_registers]] static void
#endif

#define KCOV_DEFINE_KEEPING_CALLBACKS                               \
  KCOV_RECORDER kcov_record_pc() {                                  \
    kcov_task_state* const task = kcov::task_in_place();            \
    if (task != nullptr) [[likely]]                                 \
      kcov::record_pc<kcov::LinuxPort>(*task, KCOV_RETURN_ADDRESS); \
  }                                                                 \
  extern "C" void __sanitizer_cov_trace_pc();                       \
  extern "C" void __sanitizer_cov_trace_pc() {                      \
    kcov::record_if_tracing<KCOV_MODE_TRACE_PC, kcov_record_pc>();  \
  }

#define KCOV_DEFINE_KEEPING_COMPARISON(Port, name, type, Operand)           \
  KCOV_RECORDER kcov_record_##name(Operand arg1, Operand arg2) {            \
    kcov_task_state* const task = kcov::task_in_place();                    \
    if (task != nullptr) [[likely]]                                         \
      kcov::record_cmp<Port>(*task, type, arg1, arg2, KCOV_RETURN_ADDRESS); \
  }                                                                         \
  extern "C" void __sanitizer_cov_trace_##name(Operand, Operand);           \
  extern "C" void __sanitizer_cov_trace_##name(Operand, Operand) {          \
    kcov::record_if_tracing<KCOV_MODE_TRACE_CMP, kcov_record_##name>();     \
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
