// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <fmt/format.h>

#include <algorithm>

#include "report/line_coverage.hpp"

namespace kcov::report {

std::string lcov_of(const LineCoverage& files, const std::string& root) {
  std::string text;
  for (const auto& [name, file] : files) {
    const LineTotals totals = totals_of({{name, file}});
    text += "TN:\nSF:";
    if (!root.empty() && !name.starts_with('/')) text += root + "/";
    // A record is a line.
    for (const char c : name) text += c == '\n' || c == '\r' ? '?' : c;
    text += '\n';
    for (const auto& [function, about] : file.functions)
      text += fmt::format("FN:{},{}\n", std::max(about.line, 1), function);
    for (const auto& [function, about] : file.functions)
      text += fmt::format("FNDA:{},{}\n", about.hits, function);
    text += fmt::format("FNF:{}\nFNH:{}\n", totals.functions, totals.functions_hit);
    for (const auto& [line, hits] : file.lines) text += fmt::format("DA:{},{}\n", line, hits);
    text += fmt::format("LF:{}\nLH:{}\nend_of_record\n", totals.lines, totals.lines_hit);
  }
  return text;
}

}  // namespace kcov::report
