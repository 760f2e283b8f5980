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

// Our own system call, through a kernel's kcov.
struct KcovTrial {
  enum class Step { open, initialize, map, enable, disable, done };
  Step reached = Step::open;         // the one that failed, or done
  std::error_code error;             // why it failed
  std::vector<std::uint64_t> pcs;    // that the call recorded
  std::error_code comparison_error;  // of enabling for comparisons; none: they work
  std::size_t comparisons = 0;       // that the call recorded
};
KcovTrial try_kcov(const std::string& device);

// A small program, in a machine of the lab.
struct LabTrial {
  std::vector<std::string> command;
  std::string release;
  std::string build_id;  // of the kernel that ran
  std::size_t records = 0;
  std::vector<std::uint64_t> pcs;  // distinct
  std::string sites;               // what kcov_sites said; empty: there is none (stock)
  std::string untraced;            // why the program was not traced
  double seconds = 0;
};
Result<LabTrial> try_lab(const lab::Kernel& kernel);

}  // namespace kcov::doctor
