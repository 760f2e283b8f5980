// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Coverage by source line, as services and editors want it, and the formats made of that.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "coverage/coverage_set.hpp"

namespace kcov::report {

struct FileCoverage {
  struct Function {
    int line = 0;            // the lowest of this file that is known; 0: none is
    std::uint64_t hits = 0;  // of the block of it that was executed most often
  };
  // Times that code of the line was recorded, or of a call that was inlined there.
  std::map<int, std::uint64_t> lines;
  // Those that are declared here, whatever file the lines are of.
  std::map<std::string_view, Function> functions;
};

// By file. What has no file or no line is not in it.
using LineCoverage = std::map<std::string_view, FileCoverage>;

// `coverable`: all that there is to cover (symbol::Image::coverable_pcs()), by PC: lines and
// functions that were not reached are then there, with 0, and recorded PCs that are no such points
// are not, as in the HTML. Names are those of `set` and `coverable`.
LineCoverage cover_lines(const coverage::CoverageSet& set, const symbol::Locations& coverable);

// Of all files.
struct LineTotals {
  std::size_t lines = 0;
  std::size_t lines_hit = 0;
  std::size_t functions = 0;
  std::size_t functions_hit = 0;
};
LineTotals totals_of(const LineCoverage& files);

// `root` is put before relative names of files, with a slash; empty: nothing is.
//
// lcov's tracefile (geninfo(1)): TN, SF, FN, FNDA, FNF, FNH, DA, LF, LH.
std::string lcov_of(const LineCoverage& files, const std::string& root);
// Codecov's own JSON: {"coverage": {"fs/open.c": {"12": 3}}}.
std::string codecov_of(const LineCoverage& files, const std::string& root);
// Cobertura's XML (coverage-04.dtd): a package for each directory, a class for each file.
std::string cobertura_of(const LineCoverage& files, const std::string& root);

}  // namespace kcov::report
