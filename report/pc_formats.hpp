// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The formats that have PCs in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "coverage/coverage_set.hpp"

namespace kcov::report {

// An image that PCs are of: the kernel's, or a kernel module's.
struct Module {
  std::string path;
  std::uint64_t start = 0;  // of its code, and
  std::uint64_t end = 0;    // behind it
};
using Modules = std::vector<Module>;

// Each PC once, 0x…, one a line, ascending.
std::string rawcover_of(const coverage::CoverageSet& set);
// An object a line for each PC: pc, hits, symbol, offset, frames, calls, runs.
std::string jsonl_of(const coverage::CoverageSet& set);
// vmlinux+0x1234 a line, ascending. What lies in none of the modules is left out.
std::string offsets_of(const coverage::CoverageSet& set, const Modules& modules);
// DynamoRIO's drcov, version 2: a block for each PC, of the one instruction that stands there.
// What lies in none of the modules, or farther into one than 4 GiB, is left out.
std::string drcov_of(const coverage::CoverageSet& set, const Modules& modules);
// The PCs that both leave out.
std::size_t count_outside(const coverage::CoverageSet& set, const Modules& modules);
// LLVM's .sancov of 64-bit PCs, ascending; each one less than kcov's, as LLVM counts them.
std::string sancov_of(const coverage::CoverageSet& set);

}  // namespace kcov::report
