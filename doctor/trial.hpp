// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Tracing something small, to see whether tracing works.
#pragma once

#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

#include "lab/kernel.hpp"
#include "support/result.hpp"

namespace kcov::doctor {

// What a kernel with our kcov says of its calls of the callbacks; all empty for a stock kernel.
struct Sites {
  std::string before;        // /sys/kernel/debug/kcov_sites before the trace
  std::string while_traced;  // and in its midst
  std::string sleep_after;   // /sys/kernel/debug/kcov_sleep_after
};

// Our own system call, through a kernel's kcov.
struct KcovTrial {
  enum class Step { open, initialize, map, enable, disable, done };
  Step reached = Step::open;         // the one that failed, or done
  std::error_code error;             // why it failed
  std::vector<std::uint64_t> pcs;    // that the call recorded
  std::error_code comparison_error;  // of enabling for comparisons; none: they work
  std::size_t comparisons = 0;       // that the call recorded
  Sites sites;
};
KcovTrial try_kcov(const std::string& device);

// A small program, in a machine of the lab, after another one, which is not traced, has seen how
// the calls are while nobody traces.
struct LabTrial {
  std::vector<std::string> command;
  std::string release;
  std::string build_id;  // of the kernel that ran
  std::size_t records = 0;
  std::vector<std::uint64_t> pcs;  // distinct
  Sites sites;
  std::string untraced;  // why the program was not traced
  double seconds = 0;
};
Result<LabTrial> try_lab(const lab::Kernel& kernel);

}  // namespace kcov::doctor
