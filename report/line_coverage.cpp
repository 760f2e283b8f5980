// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/line_coverage.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace kcov::report {
namespace {

void add_lines(LineCoverage& files, const symbol::Location& location, std::uint64_t hits) {
  // A line that calls itself was executed once for it.
  std::set<std::tuple<std::string_view, int>> counted;
  for (const symbol::Frame& frame : location.frames) {
    if (frame.file.empty() || frame.line <= 0) continue;
    if (counted.insert({frame.file, frame.line}).second)
      files[frame.file].lines[frame.line] += hits;
  }
}

// Once all lines are there: of a file that has none a function is not.
void add_functions(LineCoverage& files, const symbol::Location& location, std::uint64_t hits) {
  for (const symbol::Frame& frame : location.frames) {
    if (frame.file.empty() || frame.line <= 0) continue;
    const bool has_own = files.contains(frame.function_file());
    const std::string_view name = has_own ? frame.function_file() : frame.file;
    FileCoverage::Function& function = files[name].functions[frame.function];
    function.hits = std::max(function.hits, hits);
    const bool is_line = frame.file == name;
    if (is_line && (function.line == 0 || frame.line < function.line)) function.line = frame.line;
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
  for (const auto add : {add_lines, add_functions}) {
    for (std::size_t i = 0; i < set.locations.size(); ++i)
      if (is_point(set.locations[i])) add(files, set.locations[i], set.hits[i]);
    for (const symbol::Location& location : coverable) add(files, location, 0);
  }
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
