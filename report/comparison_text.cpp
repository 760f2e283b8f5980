// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/comparison_text.hpp"

#include <fmt/format.h>

#include <vector>

#include "report/printable.hpp"

namespace kcov::report {
namespace {

using coverage::Comparison;
using coverage::Entry;
using coverage::FunctionName;
using coverage::Parting;
using coverage::Recording;
using coverage::Sides;
using coverage::SourceLine;
using coverage::Task;

template <class T>
std::string numbers(const char* what, const Sides<T>& sides) {
  return fmt::format("{:<10} {:>9} {:>9} {:>9}\n", what, sides.both, sides.first.size(),
                     sides.second.size());
}

std::string functions(const std::vector<FunctionName>& names, char sign) {
  std::string text;
  for (const FunctionName& name : names)
    text += fmt::format("{} {} {}\n", sign, printable(name.function),
                        name.file.empty() ? "?" : printable(name.file));
  return text;
}

// Those of a file on one line, with runs of them joined: "fs/open.c:12-14,20".
std::string lines(const std::vector<SourceLine>& all, char sign) {
  std::string text;
  for (std::size_t i = 0; i < all.size();) {
    const std::string_view file = all[i].file;
    text += fmt::format("{} {}:", sign, file.empty() ? "?" : printable(file));
    for (const char* joint = ""; i < all.size() && all[i].file == file; joint = ",") {
      const int from = all[i].line;
      int to = from;
      for (++i; i < all.size() && all[i].file == file && all[i].line == to + 1; ++i) ++to;
      text +=
          from == to ? fmt::format("{}{}", joint, from) : fmt::format("{}{}-{}", joint, from, to);
    }
    text += '\n';
  }
  return text;
}

// Where record number `record` of the call is, or that there is none.
std::string place(const Recording& recording, const Task& task, const Entry& entry,
                  std::size_t record) {
  std::size_t left = record;
  for (const coverage::Range& range : entry.ranges) {
    if (left >= range.end - range.begin) {
      left -= range.end - range.begin;
      continue;
    }
    const symbol::Location& location = recording.locations[task.records[range.begin + left]];
    if (location.frames.empty())
      return location.symbol.empty() ? fmt::format("{:#x}", location.pc)
                                     : printable(location.symbol);
    const symbol::Frame& frame = location.frames[0];
    return fmt::format("{} {}:{}", printable(frame.function), printable(frame.file), frame.line);
  }
  return "the call's end";
}

// Both sides of calls that are others.
std::string sides_of(const Parting& parting, const SideNames& names) {
  const auto name = [](const Entry* entry) {
    return entry == nullptr ? std::string("no further call") : printable(entry->name);
  };
  return fmt::format("- {}: {}\n+ {}: {}\n", printable(names.first), name(parting.first),
                     printable(names.second), name(parting.second));
}

}  // namespace

std::string text_of(const std::optional<Parting>& found, const std::optional<Parting>& of_calls,
                    const Recording& first, const Recording& second, const SideNames& names) {
  if (!found) return "Both runs made the same system calls in the same way.\n";
  const Parting& parting = *found;
  if (parting.is_of_other_calls()) {
    return fmt::format("The runs part ways in task {}, after {} system calls alike:\n{}",
                       parting.task + 1, parting.call, sides_of(parting, names));
  }
  // What the kernel does for an execve differs from run to run. What the programs did comes first.
  std::string text =
      of_calls
          ? fmt::format("By their names the system calls part ways in task {}, after {} alike:\n{}",
                        of_calls->task + 1, of_calls->call, sides_of(*of_calls, names))
          : "By their names the system calls of both are the same.\n";
  text += fmt::format(
      "\nWhat the kernel executed parts ways in task {}, after {} system calls alike, in {}, after "
      "{} PCs alike",
      parting.task + 1, parting.call, printable(parting.first->name), parting.record);
  const Task& ours = first.tasks[parting.task];
  const Task& theirs = second.tasks[parting.task];
  if (parting.record != 0)
    text += fmt::format(" (up to {})", place(first, ours, *parting.first, parting.record - 1));
  return text + fmt::format(":\n- {}: {}\n+ {}: {}\n", printable(names.first),
                            place(first, ours, *parting.first, parting.record),
                            printable(names.second),
                            place(second, theirs, *parting.second, parting.record));
}

std::string text_of(const Comparison& comparison, const SideNames& names,
                    const std::string& parting) {
  std::string text = fmt::format("- {}\n+ {}\n\n{:<10} {:>9} {:>9} {:>9}\n", printable(names.first),
                                 printable(names.second), "", "both", "-", "+");
  if (comparison.has_same_places) text += numbers("PCs", comparison.pcs);
  text += numbers("functions", comparison.functions) + numbers("lines", comparison.lines);
  if (!comparison.has_same_places)
    text +=
        "They are not known to be of one build (or its modules are not): PCs are not compared, and "
        "code by its names.\n";
  text += "\n" + parting;
  const auto section = [&text](const char* title, const std::string& body) {
    if (!body.empty()) text += fmt::format("\n{}\n{}", title, body);
  };
  section("functions",
          functions(comparison.functions.first, '-') + functions(comparison.functions.second, '+'));
  section("lines", lines(comparison.lines.first, '-') + lines(comparison.lines.second, '+'));
  return text;
}

}  // namespace kcov::report
