// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A recording by source line, as services and editors want coverage, and the formats that are
// made of that. What following the command added is left out.
//
// A recording knows what was executed, and not what else there is: there is no line with 0 in it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "coverage/recording.hpp"

namespace kcov::report {

struct FileCoverage {
  struct Function {
    int line = 0;            // the lowest that was reached; 0: none is known
    std::uint64_t hits = 0;  // of the block of it that was executed most often
  };
  // Times that code of the line was recorded, or of a call that was inlined there.
  std::map<int, std::uint64_t> lines;
  std::map<std::string_view, Function> functions;
};

// By file. What has no file or no line is not in it.
using LineCoverage = std::map<std::string_view, FileCoverage>;
LineCoverage cover_lines(const coverage::Recording& recording);

// `root` is put before relative names of files, with a slash; empty: nothing is.
//
// lcov's tracefile (geninfo(1)): TN, SF, FN, FNDA, FNF, FNH, DA, LF, LH.
std::string lcov_of(const coverage::Recording& recording, const std::string& root);
// Codecov's own JSON: {"coverage": {"fs/open.c": {"12": 3}}}.
std::string codecov_of(const coverage::Recording& recording, const std::string& root);
// An object a line for each PC: pc, hits, symbol, frames, calls.
std::string jsonl_of(const coverage::Recording& recording);

}  // namespace kcov::report
