// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/source_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

#include "report/printable.hpp"

namespace kcov::report {
namespace {

using coverage::Recording;
using coverage::Task;

using Lines = std::map<int, std::uint64_t>;  // how often each was executed
using Functions = std::map<std::string_view, Lines>;

std::map<std::string_view, Functions> gather(const Recording& recording) {
  std::vector<std::uint64_t> hits(recording.locations.size());
  for (const Task& task : recording.tasks)
    task.for_each_own_record([&](std::uint32_t location) { ++hits[location]; });
  std::map<std::string_view, Functions> files;
  for (std::size_t i = 0; i < hits.size(); ++i) {
    if (hits[i] == 0) continue;
    for (const symbol::Frame& frame : recording.locations[i].frames) {
      if (frame.file.empty() || frame.line <= 0) continue;
      std::uint64_t& most = files[frame.file][frame.function][frame.line];
      most = std::max(most, hits[i]);
    }
  }
  return files;
}

constexpr std::size_t kCountColumns = 9;
constexpr std::size_t kLineColumns = 6;
constexpr std::size_t kTab = 8;

// A line of source as a terminal may have it: tabs are spaces.
std::string shown(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::string text;
  std::size_t column = 0;
  while (!line.empty()) {
    const std::size_t size = std::min(line.find('\t'), line.size());
    const std::string part = printable(line.substr(0, size));
    text += part;
    column += columns_of(part);
    if (size < line.size()) {
      const std::size_t spaces = kTab - column % kTab;
      text.append(spaces, ' ');
      column += spaces;
    }
    line.remove_prefix(std::min(size + 1, line.size()));
  }
  return text;
}

std::string line_of(std::size_t number, std::uint64_t count, std::string_view source,
                    const Look& look) {
  std::string head =
      fmt::format("{:>{}} {:>{}}{}", count == 0 ? std::string{} : fmt::format("×{}", count),
                  kCountColumns, number, kLineColumns, count == 0 ? '-' : ':');
  constexpr std::size_t kHead = kCountColumns + 1 + kLineColumns + 1;
  const std::size_t left = look.width == 0 ? 0 : std::max(look.width, kHead + 8) - kHead;
  const std::string text = cut_off(shown(source), left);
  return toned(look, count == 0 ? Tone::quiet : Tone::fresh, head + text) + '\n';
}

// Runs of numbers: "12-14, 20".
std::string numbers_of(const Lines& lines) {
  std::string text;
  for (auto line = lines.begin(); line != lines.end();) {
    const int from = line->first;
    int to = from;
    for (++line; line != lines.end() && line->first == to + 1; ++line) ++to;
    if (!text.empty()) text += ", ";
    text += from == to ? fmt::format("{}", from) : fmt::format("{}-{}", from, to);
  }
  return text;
}

// A function's lines and those around them, with a dash line where some are left out.
std::string lines_of(const Lines& lines, const SourceFile& file, std::size_t context,
                     const Look& look) {
  std::string text;
  std::size_t next = 0;  // the first that is not printed yet
  for (const auto& [executed, count] : lines) {
    const auto number = static_cast<std::size_t>(executed);
    if (number > file.line_count()) break;
    std::size_t from = number - std::min(number - 1, context);
    if (next != 0 && from > next)
      text += toned(look, Tone::quiet, fmt::format("{:>{}}", "--", kCountColumns)) + '\n';
    from = std::max(from, next);
    const std::size_t to = std::min(number + context, file.line_count());
    for (std::size_t at = from; at <= to; ++at) {
      const auto known = lines.find(static_cast<int>(at));
      text += line_of(at, known == lines.end() ? 0 : known->second, file.line(at), look);
    }
    next = std::max(next, to + 1);
  }
  return text;
}

}  // namespace

SourceText text_of_source(const Recording& recording, const SourceFiles& files, std::size_t context,
                          const Look& look) {
  SourceText result;
  std::string& text = result.text;
  std::size_t missing = 0;
  std::string_view first_missing;
  std::string_view too_short;
  const auto all = gather(recording);
  for (const auto& [name, functions] : all) {
    const SourceFile file = files.read(name);
    if (file.line_count() == 0 && missing++ == 0) first_missing = name;
    if (!text.empty()) text += '\n';
    text += toned(look, Tone::heading, shortened_path(printable(name), look.width)) + '\n';
    // In the order of the file.
    std::vector<std::pair<std::string_view, const Lines*>> ordered;
    for (const auto& [function, lines] : functions) ordered.emplace_back(function, &lines);
    std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
      return a.second->begin()->first < b.second->begin()->first;
    });
    for (const auto& [function, lines] : ordered) {
      std::string numbers;
      if (file.line_count() == 0) {
        numbers = ": " + numbers_of(*lines);
      } else if (static_cast<std::size_t>(lines->rbegin()->first) > file.line_count()) {
        too_short = name;
        numbers = ": " + numbers_of(*lines);
      }
      const std::size_t left = look.width == 0 ? 0 : std::max<std::size_t>(look.width, 16) - 2;
      const std::string shown_function = shortened(printable(function), left);
      text += "  " + toned(look, Tone::name, shown_function);
      if (!numbers.empty()) {
        const std::size_t taken = columns_of(shown_function);
        text += cut_off(numbers,
                        left == 0 ? 0 : std::max<std::size_t>(left - std::min(left, taken), 4));
      }
      text += '\n';
      if (file.line_count() != 0) text += lines_of(*lines, file, context, look);
    }
  }
  if (missing == all.size() && missing != 0) {
    result.missing = files.directory().empty()
                         ? "the source is not at hand, lines are shown by number: name it with "
                           "--source-dir DIR"
                         : fmt::format(
                               "{} has none of the source files, lines are shown by number: "
                               "name another directory with --source-dir DIR",
                               printable(files.directory().string()));
  } else if (missing != 0) {
    result.missing = fmt::format(
        "{} of {} source files are not in {} ({}), their lines are shown "
        "by number",
        missing, all.size(), printable(files.directory().string()), printable(first_missing));
  } else if (!too_short.empty()) {
    result.missing = fmt::format(
        "{} ends before lines of it that were executed: the source in {} "
        "is of another version",
        printable(too_short), printable(files.directory().string()));
  }
  return result;
}

}  // namespace kcov::report
