// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/line_coverage.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

namespace kcov::report {

LineCoverage cover_lines(const coverage::Recording& recording) {
  std::vector<std::uint64_t> hits(recording.locations.size());
  for (const coverage::Task& task : recording.tasks)
    task.for_each_own_record([&](std::uint32_t location) { ++hits[location]; });
  LineCoverage files;
  for (std::size_t i = 0; i < hits.size(); ++i) {
    if (hits[i] == 0) continue;
    // A line that calls itself was executed once for it.
    std::set<std::tuple<std::string_view, int>> counted;
    for (const symbol::Frame& frame : recording.locations[i].frames) {
      if (frame.file.empty() || frame.line <= 0) continue;
      FileCoverage& file = files[frame.file];
      if (counted.insert({frame.file, frame.line}).second) file.lines[frame.line] += hits[i];
      FileCoverage::Function& function = file.functions[frame.function];
      function.hits = std::max(function.hits, hits[i]);
      if (function.line == 0 || frame.line < function.line) function.line = frame.line;
    }
  }
  return files;
}

}  // namespace kcov::report
