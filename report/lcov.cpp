// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <fmt/format.h>

#include "report/line_coverage.hpp"

namespace kcov::report {

std::string lcov_of(const coverage::Recording& recording, const std::string& root) {
  std::string text;
  for (const auto& [name, file] : cover_lines(recording)) {
    text += "TN:\nSF:";
    if (!root.empty() && !name.starts_with('/')) text += root + "/";
    // A record is a line.
    for (const char c : name) text += c == '\n' || c == '\r' ? '?' : c;
    text += '\n';
    for (const auto& [function, about] : file.functions)
      text += fmt::format("FN:{},{}\n", about.line, function);
    for (const auto& [function, about] : file.functions)
      text += fmt::format("FNDA:{},{}\n", about.hits, function);
    text += fmt::format("FNF:{0}\nFNH:{0}\n", file.functions.size());
    for (const auto& [line, hits] : file.lines) text += fmt::format("DA:{},{}\n", line, hits);
    text += fmt::format("LF:{0}\nLH:{0}\nend_of_record\n", file.lines.size());
  }
  return text;
}

}  // namespace kcov::report
