// SPDX-License-Identifier: GPL-2.0-only OR MIT
// BANNER: every basic block of the traced program calls into this file. It is never
// instrumented (CMakeLists.txt), and calls nothing that could be: no libc.
//
// The callbacks that the compiler's -fsanitize-coverage=trace-pc,trace-cmp calls. Whoever
// is instrumented pulls this object out of the archive, so the hook that starts
// tracing from outside the program (trace_file.hpp) is here as well.
#include <bit>

#include "core/callbacks.hpp"
#include "port/host/host_port.hpp"

using kcov::host::HostPort;

KCOV_DEFINE_CALLBACKS(HostPort)
KCOV_DEFINE_COMPARISON_CALLBACKS(HostPort)

// What gcc alone calls, and no kernel has: comparisons of floating-point numbers. They
// are recorded as those of their bits, in 4 and 8 bytes.
extern "C" void __sanitizer_cov_trace_cmpf(float arg1, float arg2);
extern "C" void __sanitizer_cov_trace_cmpf(float arg1, float arg2) {
  kcov::trace_cmp<HostPort>(KCOV_CMP_SIZE(2u), std::bit_cast<std::uint32_t>(arg1),
                            std::bit_cast<std::uint32_t>(arg2), KCOV_RETURN_ADDRESS);
}
extern "C" void __sanitizer_cov_trace_cmpd(double arg1, double arg2);
extern "C" void __sanitizer_cov_trace_cmpd(double arg1, double arg2) {
  kcov::trace_cmp<HostPort>(KCOV_CMP_SIZE(3u), std::bit_cast<std::uint64_t>(arg1),
                            std::bit_cast<std::uint64_t>(arg2), KCOV_RETURN_ADDRESS);
}

namespace {

// Before the constructors of the program, so that those are traced too.
[[gnu::constructor(101)]] void start_before_the_program() {
  kcov::host::start();
  kcov::host::start_trace_file();
}

}  // namespace
