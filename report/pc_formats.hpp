// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The formats that have PCs in them.
#pragma once

#include <cstdint>
#include <string>

#include "coverage/coverage_set.hpp"

namespace kcov::report {

// The image that the PCs are of.
struct Module {
  std::string path;
  std::uint64_t start = 0;  // of its code, and
  std::uint64_t end = 0;    // behind it
};

// Each PC once, 0x…, one a line, ascending.
std::string rawcover_of(const coverage::CoverageSet& set);
// An object a line for each PC: pc, hits, symbol, offset, frames, calls, runs.
std::string jsonl_of(const coverage::CoverageSet& set);
// vmlinux+0x1234 a line, ascending. What lies in no byte of the module is left out.
std::string offsets_of(const coverage::CoverageSet& set, const Module& module);
// DynamoRIO's drcov, version 2: a block for each PC, of the one instruction that stands there.
// What lies in no byte of the module, or farther into it than 4 GiB, is left out.
std::string drcov_of(const coverage::CoverageSet& set, const Module& module);
// LLVM's .sancov of 64-bit PCs, ascending; each one less than kcov's, as LLVM counts them.
std::string sancov_of(const coverage::CoverageSet& set);

}  // namespace kcov::report
