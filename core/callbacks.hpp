// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The functions that the compiler plants calls of, for a port to define once:
//
//   KCOV_DEFINE_CALLBACKS(MyPort)              every basic block (-fsanitize-coverage=trace-pc)
//   KCOV_DEFINE_COMPARISON_CALLBACKS(MyPort)   comparisons and switches (trace-cmp)
//
// In one translation unit that is never instrumented, outside of any namespace. A macro,
// because a return address is that of the function that asks for it. It is asked for last: who
// does not trace is not to load it.
#pragma once

#include "trace.hpp"

#define KCOV_RETURN_ADDRESS reinterpret_cast<std::uintptr_t>(__builtin_return_address(0))

#define KCOV_DEFINE_CALLBACKS(Port)                                               \
  extern "C" void __sanitizer_cov_trace_pc();                                     \
  extern "C" void __sanitizer_cov_trace_pc() {                                    \
    kcov_task_state* const task = kcov::tracing_task<Port, KCOV_MODE_TRACE_PC>(); \
    if (task != nullptr) [[unlikely]]                                             \
      kcov::record_pc<Port>(*task, KCOV_RETURN_ADDRESS);                          \
  }

// Zero-extended by the types of the operands (contract 27).
#define KCOV_DEFINE_COMPARISON(Port, name, type, Operand)                          \
  extern "C" void __sanitizer_cov_trace_##name(Operand arg1, Operand arg2);        \
  extern "C" void __sanitizer_cov_trace_##name(Operand arg1, Operand arg2) {       \
    kcov_task_state* const task = kcov::tracing_task<Port, KCOV_MODE_TRACE_CMP>(); \
    if (task != nullptr) [[unlikely]]                                              \
      kcov::record_cmp<Port>(*task, type, arg1, arg2, KCOV_RETURN_ADDRESS);        \
  }

#define KCOV_DEFINE_SWITCH(Port)                                                                  \
  extern "C" void __sanitizer_cov_trace_switch(std::uint64_t value, const std::uint64_t*);        \
  extern "C" void __sanitizer_cov_trace_switch(std::uint64_t value, const std::uint64_t* cases) { \
    if (kcov::tracing_task<Port, KCOV_MODE_TRACE_CMP>() != nullptr) [[unlikely]]                  \
      kcov::trace_switch<Port>(value, cases, KCOV_RETURN_ADDRESS);                                \
  }

// clang-format off
// All of them, for whoever defines them in another way.
#define KCOV_FOR_EACH_COMPARISON(define, Port)                                     \
  define(Port, cmp1, KCOV_CMP_SIZE(0u), std::uint8_t)                              \
  define(Port, cmp2, KCOV_CMP_SIZE(1u), std::uint16_t)                             \
  define(Port, cmp4, KCOV_CMP_SIZE(2u), std::uint32_t)                             \
  define(Port, cmp8, KCOV_CMP_SIZE(3u), std::uint64_t)                             \
  define(Port, const_cmp1, KCOV_CMP_CONST | KCOV_CMP_SIZE(0u), std::uint8_t)       \
  define(Port, const_cmp2, KCOV_CMP_CONST | KCOV_CMP_SIZE(1u), std::uint16_t)      \
  define(Port, const_cmp4, KCOV_CMP_CONST | KCOV_CMP_SIZE(2u), std::uint32_t)      \
  define(Port, const_cmp8, KCOV_CMP_CONST | KCOV_CMP_SIZE(3u), std::uint64_t)
// clang-format on

#define KCOV_DEFINE_COMPARISON_CALLBACKS(Port)           \
  KCOV_FOR_EACH_COMPARISON(KCOV_DEFINE_COMPARISON, Port) \
  KCOV_DEFINE_SWITCH(Port)
