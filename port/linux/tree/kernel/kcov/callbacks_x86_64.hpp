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

// For the recorders: r11, which the entry leaves the running task in; gcc uses it for nothing
// else here (-ffixed-r11). So neither the task nor, at last, the PC takes a register that would
// have to be saved. To be asked for wherever it is used: what gcc knows to be the same it copies.
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

// record_pc() in r11, which is the PC's once the task is of no more use. The return address is that
// of the function that this is inlined in.
[[gnu::always_inline]] inline void record_pc_in_place() noexcept {
#ifdef __clang__
  record_pc<LinuxPort>(state(), KCOV_RETURN_ADDRESS);
#else
  std::uint64_t* const words = state().bound.area;
  std::uint64_t index;
  if (!claim_record([] [[gnu::always_inline]] () -> const kcov_task_state& { return state(); },
                    words, index)) [[unlikely]]
    return;
  r11 = static_cast<char*>(__builtin_return_address(0));
  // canonical_pc(), and the store: gcc would take a register for either.
#ifdef CONFIG_RANDOMIZE_BASE
  asm("subq %1, %0" : "+r"(r11) : "er"(machine::kaslr_offset()) : "cc");
#endif
  asm volatile("movq %1, %0" : "=m"(words[1 + index]) : "r"(r11));
#endif
}

}  // namespace
}  // namespace kcov

#ifdef __CET__
// A direct jump leads to it: no endbr64.
#define KCOV_RECORDER extern "C" [[gnu::no_caller_saved_registers, gnu::nocf_check]] void
#else
#define KCOV_RECORDER extern "C" [[gnu::no_caller_saved_registers]] void
#endif

#define KCOV_DEFINE_KEEPING_CALLBACKS                              \
  KCOV_RECORDER kcov_record_pc() {                                 \
    if (kcov::may_record()) kcov::record_pc_in_place();            \
  }                                                                \
  extern "C" void __sanitizer_cov_trace_pc();                      \
  extern "C" void __sanitizer_cov_trace_pc() {                     \
    kcov::record_if_tracing<KCOV_MODE_TRACE_PC, kcov_record_pc>(); \
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
