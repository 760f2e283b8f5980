// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/line_coverage.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace kcov::report {
namespace {

void add(LineCoverage& files, const symbol::Location& location, std::uint64_t hits) {
  // A line that calls itself was executed once for it.
  std::set<std::tuple<std::string_view, int>> counted;
  for (const symbol::Frame& frame : location.frames) {
    if (frame.file.empty() || frame.line <= 0) continue;
    FileCoverage& file = files[frame.file];
    if (counted.insert({frame.file, frame.line}).second) file.lines[frame.line] += hits;
    FileCoverage::Function& function = file.functions[frame.function];
    function.hits = std::max(function.hits, hits);
    if (function.line == 0 || frame.line < function.line) function.line = frame.line;
  }
}

}  // namespace

LineCoverage cover_lines(const coverage::CoverageSet& set, const symbol::Locations& coverable) {
  LineCoverage files;
  const auto is_point = [&](const symbol::Location& one) {
    return coverable.empty() ||
           std::binary_search(
               coverable.begin(), coverable.end(), one,
               [](const symbol::Location& a, const symbol::Location& b) { return a.pc < b.pc; });
  };
  for (std::size_t i = 0; i < set.locations.size(); ++i)
    if (is_point(set.locations[i])) add(files, set.locations[i], set.hits[i]);
  for (const symbol::Location& location : coverable) add(files, location, 0);
  return files;
}

LineTotals totals_of(const LineCoverage& files) {
  LineTotals totals;
  for (const auto& [name, file] : files) {
    totals.lines += file.lines.size();
    totals.functions += file.functions.size();
    for (const auto& [line, hits] : file.lines) totals.lines_hit += hits != 0;
    for (const auto& [function, about] : file.functions) totals.functions_hit += about.hits != 0;
  }
  return totals;
}

}  // namespace kcov::report
