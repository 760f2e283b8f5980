// SPDX-License-Identifier: GPL-2.0-only OR MIT
// BANNER: every basic block of the traced program calls into this file. It is never
// instrumented (CMakeLists.txt), and calls nothing that could be: no libc.
//
// The callbacks that the compiler's -fsanitize-coverage=trace-pc,trace-cmp calls. Whoever
// is instrumented pulls this object out of the archive, so the hook that starts
// tracing from outside the program (trace_file.hpp) is here as well.
//
// Each records what the core's records (core/callbacks.hpp), and where it does not trace it
// looks at one byte more: whether calls like this one are to be unmade (sites.hpp).
#include <bit>
#include <iterator>

#include "core/callbacks.hpp"
#include "port/host/call_site.hpp"
#include "port/host/host_port.hpp"
#include "port/host/next_definition.hpp"

#if defined(__x86_64__) && defined(__LP64__)

#include "port/host/callbacks_x86_64.hpp"

#else

using kcov::host::HostPort;

// Left by a jump, with the return address where it is.
#define KCOV_HOST_CALLBACK(name, mode, parameters, record)                                     \
  extern "C" void __sanitizer_cov_trace_##name parameters;                                     \
  KCOV_HOST_OWN(__sanitizer_cov_trace_##name);                                                 \
  extern "C" void __sanitizer_cov_trace_##name parameters {                                    \
    if (kcov_task_state* const task = kcov::tracing_task<HostPort, mode>(); task != nullptr) { \
      record;                                                                                  \
    } else if (kcov::host::calls_for_a_look(KCOV_RETURN_ADDRESS)) [[unlikely]] {               \
      kcov::host::kcov_host_look(                                                              \
          KCOV_RETURN_ADDRESS,                                                                 \
          reinterpret_cast<std::uintptr_t>(&kcov_host_own___sanitizer_cov_trace_##name));      \
    }                                                                                          \
  }

// Zero-extended by the types of the operands (contract 27).
#define KCOV_HOST_COMPARISON(Port, name, type, Operand)                       \
  KCOV_HOST_CALLBACK(name, KCOV_MODE_TRACE_CMP, (Operand arg1, Operand arg2), \
                     kcov::record_cmp<Port>(*task, type, arg1, arg2, KCOV_RETURN_ADDRESS))

KCOV_HOST_CALLBACK(pc, KCOV_MODE_TRACE_PC, (),
                   kcov::record_pc<HostPort>(*task, KCOV_RETURN_ADDRESS))
KCOV_FOR_EACH_COMPARISON(KCOV_HOST_COMPARISON, HostPort)
KCOV_HOST_CALLBACK(switch, KCOV_MODE_TRACE_CMP, (std::uint64_t value, const std::uint64_t* cases),
                   (void)task;
                   kcov::trace_switch<HostPort>(value, cases, KCOV_RETURN_ADDRESS))

// What gcc alone calls, and no kernel has: comparisons of floating-point numbers. They
// are recorded as those of their bits, in 4 and 8 bytes.
KCOV_HOST_CALLBACK(cmpf, KCOV_MODE_TRACE_CMP, (float arg1, float arg2),
                   kcov::record_cmp<HostPort>(*task, KCOV_CMP_SIZE(2u),
                                              std::bit_cast<std::uint32_t>(arg1),
                                              std::bit_cast<std::uint32_t>(arg2),
                                              KCOV_RETURN_ADDRESS))
KCOV_HOST_CALLBACK(cmpd, KCOV_MODE_TRACE_CMP, (double arg1, double arg2),
                   kcov::record_cmp<HostPort>(*task, KCOV_CMP_SIZE(3u),
                                              std::bit_cast<std::uint64_t>(arg1),
                                              std::bit_cast<std::uint64_t>(arg2),
                                              KCOV_RETURN_ADDRESS))

#endif

namespace {

// Before the constructors of the program, so that those are traced too.
[[gnu::constructor(101)]] void start_before_the_program() {
  // As the calls lead to them, whatever else has the same names.
  static const std::uintptr_t callbacks[] = {
#define KCOV_HOST_ADDRESS(name) \
  reinterpret_cast<std::uintptr_t>(&kcov_host_own___sanitizer_cov_trace_##name)
    KCOV_HOST_ADDRESS(pc),
    KCOV_HOST_ADDRESS(cmp1),
    KCOV_HOST_ADDRESS(cmp2),
    KCOV_HOST_ADDRESS(cmp4),
    KCOV_HOST_ADDRESS(cmp8),
    KCOV_HOST_ADDRESS(const_cmp1),
    KCOV_HOST_ADDRESS(const_cmp2),
    KCOV_HOST_ADDRESS(const_cmp4),
    KCOV_HOST_ADDRESS(const_cmp8),
    KCOV_HOST_ADDRESS(switch),
    KCOV_HOST_ADDRESS(cmpf),
    KCOV_HOST_ADDRESS(cmpd),
  };
  kcov::host::set_callbacks(callbacks, std::size(callbacks));
  kcov::host::start();
  kcov::host::start_trace_file();
}

}  // namespace
