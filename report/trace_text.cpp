// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The default output of `kcovtool trace`.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "report/trace_report.hpp"

namespace kcov::report {
namespace {

constexpr std::size_t kNameColumns = 18;

std::string numbered(std::size_t number, std::string_view thing) {
  return fmt::format("{} {}{}", number, thing, number == 1 ? "" : "s");
}

// `path` joined by arrows; when it does not fit, its head, and how many are left out.
std::string joined(const std::vector<std::string_view>& path, std::size_t columns) {
  constexpr std::string_view kArrow = " > ";
  std::string text;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const std::string rest = fmt::format("{}+{} more", kArrow, path.size() - i);
    const std::size_t length = text.size() + kArrow.size() + path[i].size();
    const std::size_t reserve = i + 1 < path.size() ? rest.size() : 0;
    if (columns != 0 && i > 0 && length + reserve > columns) return text + rest;
    if (i > 0) text += kArrow;
    text += path[i];
  }
  return text;
}

std::string summary(const Recording& report) {
  std::size_t calls = 0;
  std::size_t faults = 0;
  std::size_t traps = 0;
  std::size_t signals = 0;
  for (const Task& task : report.tasks) {
    for (const coverage::Entry& entry : task.entries) {
      calls += entry.kind == coverage::EntryKind::system_call;
      faults += entry.kind == coverage::EntryKind::page_fault;
      traps += entry.kind == coverage::EntryKind::trap;
      signals += entry.kind == coverage::EntryKind::signal;
    }
  }
  std::vector<bool> seen(report.locations.size());
  std::unordered_set<std::string_view> functions;
  std::unordered_set<std::uint64_t> unique;
  std::size_t records = 0;
  for (const Task& task : report.tasks) {
    task.for_each_own_record([&](std::uint32_t number) {
      ++records;
      if (seen[number]) return;
      seen[number] = true;
      const symbol::Location& location = report.locations[number];
      unique.insert(location.pc);
      for (const symbol::Frame& frame : location.frames) functions.insert(frame.function);
    });
  }
  std::string text;
  if (report.tasks.size() > 1) text += numbered(report.tasks.size(), "task") + "; ";
  if (report.unnamed.empty() && !report.release.empty()) {
    text += fmt::format(
        "{}, {}{}, {}; ", numbered(calls, "system call"), numbered(faults, "page fault"),
        traps == 0 ? std::string{} : ", " + numbered(traps, "trap"), numbered(signals, "signal"));
  }
  text += fmt::format("{}, {} of them unique", numbered(records, "PC"), unique.size());
  if (!functions.empty()) text += ", in " + numbered(functions.size(), "function");
  text += fmt::format("\non {}", report.machine);
  if (!report.release.empty()) text += fmt::format(", Linux {}", report.release);
  return text + "\n";
}

std::string heading(const Task& task) {
  const std::string what = task.id == task.process
                               ? fmt::format("process {}", task.process)
                               : fmt::format("thread {} of process {}", task.id, task.process);
  const std::string maker = task.parent == 0 || task.id != task.process
                                ? std::string{}
                                : fmt::format(", started by {}", task.parent);
  return what + maker + (task.untraced.empty() ? "" : ", not traced: " + task.untraced);
}

// A command line, as far as it fits.
std::string command_line(const std::vector<std::string>& arguments, std::size_t columns) {
  std::string line;
  for (const std::string& argument : arguments) {
    if (!line.empty()) line += ' ';
    // What a program calls itself is not to reach a terminal as it is.
    for (const char c : argument) line += static_cast<unsigned char>(c) < ' ' || c == 127 ? '?' : c;
  }
  if (columns != 0 && line.size() > columns) line = line.substr(0, columns - 3) + "...";
  return line;
}

std::string text_of(const Recording& report, const Task& task, Paths& paths, std::size_t width) {
  std::string text;
  auto program = task.programs.begin();
  for (const coverage::Entry& entry : task.entries) {
    if (entry.kind == coverage::EntryKind::tracer) continue;
    auto [path, fresh] = paths.of(task, entry);
    const std::string line = fmt::format("{:<{}} {:>7} {:>6} {:>10}  ", entry.name, kNameColumns,
                                         entry.record_count(), fresh, path.size());
    // The entry's own functions (handle_syscall, __se_sys_read) say what its name says.
    std::size_t own = 0;
    while (own + 1 < path.size() && coverage::is_entry_function(path[own])) ++own;
    path.erase(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(own));
    const std::size_t left = width > line.size() + 20 ? width - line.size() : (width == 0 ? 0 : 20);
    text += line + joined(path, left) + "\n";
    // It is that call which began to run it.
    for (; program != task.programs.end() && report.tasks.size() > 1 &&
           program->records <= entry.last_record();
         ++program) {
      text +=
          fmt::format("  runs {}\n", command_line(program->arguments, width == 0 ? 0 : width - 7));
    }
  }
  return text;
}

}  // namespace

std::string text_of(const Recording& report, std::size_t width) {
  if (!report.unnamed.empty()) return raw_of(report) + summary(report) + losses_of(report);
  std::string text = fmt::format("{:<{}} {:>7} {:>6} {:>10}  {}\n", "entry", kNameColumns, "PCs",
                                 "new", "functions", "in order of first execution");
  Paths paths(report);
  for (const Task& task : report.tasks) {
    if (report.tasks.size() > 1) text += "\n" + heading(task) + "\n";
    text += text_of(report, task, paths, width);
  }
  if (report.tasks.size() > 1) text += '\n';
  return text + summary(report) + losses_of(report);
}

std::string losses_of(const Recording& report) {
  std::string text;
  for (const Task& task : report.tasks) {
    const std::string whose = report.tasks.size() > 1
                                  ? fmt::format("process {}, thread {}: ", task.process, task.id)
                                  : "";
    if (!task.untraced.empty()) {
      text += fmt::format("{}not traced: {}\n", whose, task.untraced);
    } else if (task.dropped.value_or(0) != 0) {
      text += fmt::format(
          "{}{} dropped: the buffer of {} PCs was full before it could be drained (--buffer)\n",
          whose, numbered(*task.dropped, "record"), task.capacity);
    } else if (task.is_cut_off()) {
      text += fmt::format(
          "{}the buffer of {} PCs was full: an unknown number of records was dropped (--buffer)\n",
          whose, task.capacity);
    }
  }
  if (report.release.empty()) text += "only the program's main thread was traced\n";
  return text;
}

}  // namespace kcov::report
