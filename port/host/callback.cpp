// SPDX-License-Identifier: GPL-2.0-only OR MIT
// BANNER: every basic block of the traced program calls into this file. It is never
// instrumented (CMakeLists.txt), and calls nothing that could be: no libc.
//
// The callback that the compiler's -fsanitize-coverage=trace-pc calls. Whoever is
// instrumented pulls this object out of the archive, so the hook that starts
// tracing from outside the program (trace_file.hpp) is here as well.
#include "core/trace.hpp"
#include "port/host/host_port.hpp"

extern "C" void __sanitizer_cov_trace_pc();

extern "C" void __sanitizer_cov_trace_pc() {
  kcov::trace_pc<kcov::host::HostPort>(
      reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)));
}

namespace {

// Before the constructors of the program, so that those are traced too.
[[gnu::constructor(101)]] void start_before_the_program() {
  kcov::host::start();
  kcov::host::start_trace_file();
}

}  // namespace
