// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The default output of `kcovtool trace`.
#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <unordered_set>
#include <vector>

#include "report/arguments.hpp"
#include "report/printable.hpp"
#include "report/trace_report.hpp"
#include "support/text.hpp"

namespace kcov::report {
namespace {

// Columns of the table. In a terminal that has few of them what matters least is left out.
struct Layout {
  explicit Layout(std::size_t width) {
    if (width == 0) return;
    if (width < 66) functions = 0;
    if (width < 46) name = 12;
    const std::size_t taken = name + 8 + 7 + (functions == 0 ? 0 : 11) + 2;
    path = width > taken + 6 ? width - taken : 0;
    has_path = path != 0;
  }
  std::size_t name = 18;
  std::size_t functions = 10;
  std::size_t path = 0;  // 0: as many as it needs, if it
  bool has_path = true;  // is there
};

// `path` joined by arrows; when it does not fit, its head, and how many are left out.
std::string joined(const std::vector<std::string_view>& path, std::size_t columns) {
  constexpr std::string_view kArrow = " > ";
  std::string text;
  std::size_t taken = 0;
  for (std::size_t i = 0; i < path.size(); ++i) {
    std::string name = printable(path[i]);
    const std::string_view arrow = i == 0 ? std::string_view{} : kArrow;
    if (columns != 0) {
      const std::string rest = fmt::format("+{} more", path.size() - i);
      const std::size_t reserve = i + 1 < path.size() ? kArrow.size() + rest.size() : 0;
      // Of the first a part is better than nothing.
      constexpr std::size_t kLeast = 8;
      if (i == 0 && columns >= reserve + kLeast) name = shortened(name, columns - reserve);
      taken += arrow.size() + columns_of(name);
      if (taken + reserve > columns) return text.append(arrow).append(rest);
    }
    text.append(arrow).append(name);
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
      if (entry.is_hidden) continue;
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
  text += "\non " + printable(report.machine);
  if (!report.release.empty()) text += ", Linux " + printable(report.release);
  return text + "\n";
}

// A command line, as far as it fits.
std::string command_line(const std::vector<std::string>& arguments, std::size_t columns) {
  return cut_off(printable(fmt::format("{}", fmt::join(arguments, " "))), columns);
}

std::string text_of(const Recording& report, const Task& task, Paths& paths, const Look& look) {
  const Layout layout(look.width);
  std::string text;
  auto program = task.programs.begin();
  const std::vector<const coverage::Call*> calls = coverage::calls_of_entries(task);
  for (std::size_t number = 0; number < task.entries.size(); ++number) {
    const coverage::Entry& entry = task.entries[number];
    if (!entry.is_shown()) continue;
    auto [path, fresh] = paths.of(task, entry);
    const bool is_call = entry.kind == coverage::EntryKind::system_call;
    text += toned(look, is_call ? Tone::name : Tone::quiet, cell(entry.name, layout.name));
    text += fmt::format(" {:>7} ", entry.record_count());
    const std::string count = fmt::format("{:>6}", fresh);
    text += fresh == 0 ? count : toned(look, Tone::fresh, count);
    if (layout.functions != 0) text += fmt::format(" {:>{}}", path.size(), layout.functions);
    if (layout.has_path) {
      // The entry's own functions (handle_syscall, __se_sys_read) say what its name says.
      std::size_t own = 0;
      while (own + 1 < path.size() && coverage::is_entry_function(path[own])) ++own;
      path.erase(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(own));
      text += "  " + joined(path, layout.path);
    }
    text += '\n';
    if (const coverage::Call* const call = calls[number]) {
      const std::size_t left =
          look.width == 0 ? 0 : look.width - std::min<std::size_t>(2, look.width);
      text += "  " + text_of_call(*call, entry.name, left) + '\n';
    }
    // It is that call which began to run it.
    for (; program != task.programs.end() && report.tasks.size() > 1 && !entry.ranges.empty() &&
           program->records <= entry.last_record();
         ++program) {
      const std::size_t left =
          look.width == 0 ? 0 : look.width - std::min<std::size_t>(7, look.width);
      text += "  runs " + toned(look, Tone::heading, command_line(program->arguments, left)) + '\n';
    }
  }
  return text;
}

}  // namespace

std::string heading_of(const Task& task) {
  const std::string what = task.id == task.process
                               ? fmt::format("process {}", task.process)
                               : fmt::format("thread {} of process {}", task.id, task.process);
  const std::string maker = task.parent == 0 || task.id != task.process
                                ? std::string{}
                                : fmt::format(", started by {}", task.parent);
  return what + maker + (task.untraced.empty() ? "" : ", not traced: " + printable(task.untraced));
}

std::string text_of(const Recording& report, const Look& look) {
  std::string losses;
  std::istringstream lines(losses_of(report));
  for (std::string line; std::getline(lines, line);) losses += toned(look, Tone::loss, line) + '\n';
  if (!report.unnamed.empty()) return raw_of(report) + summary(report) + losses;
  const Layout layout(look.width);
  std::string text = cell("entry", layout.name) + fmt::format(" {:>7} {:>6}", "PCs", "new");
  if (layout.functions != 0) text += fmt::format(" {:>{}}", "functions", layout.functions);
  if (layout.has_path) text += "  " + cut_off("in order of first execution", layout.path);
  text += '\n';
  Paths paths(report);
  for (const Task& task : report.tasks) {
    if (task.is_hidden()) continue;
    if (report.tasks.size() > 1) text += '\n' + toned(look, Tone::heading, heading_of(task)) + '\n';
    text += text_of(report, task, paths, look);
  }
  if (report.tasks.size() > 1) text += '\n';
  return text + summary(report) + losses;
}

std::string losses_of(const Recording& report) {
  std::string text;
  for (const Task& task : report.tasks) {
    const std::string whose = report.tasks.size() > 1
                                  ? fmt::format("process {}, thread {}: ", task.process, task.id)
                                  : "";
    if (!task.untraced.empty()) {
      text += fmt::format("{}not traced: {}\n", whose, printable(task.untraced));
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
