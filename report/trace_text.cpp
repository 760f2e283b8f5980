// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The default output of `kcovtool trace`.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "report/trace_report.hpp"

namespace kcov::report {
namespace {

constexpr std::size_t kNameColumns = 18;

std::string numbered(std::size_t number, std::string_view thing) {
  return fmt::format("{} {}{}", number, thing, number == 1 ? "" : "s");
}

std::string numbered(std::size_t number, std::string_view thing, std::string_view things) {
  return fmt::format("{} {}", number, number == 1 ? thing : things);
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

std::string summary(const TraceReport& report) {
  std::size_t calls = 0;
  std::size_t faults = 0;
  std::size_t traps = 0;
  std::size_t signals = 0;
  for (const coverage::Entry& entry : report.entries) {
    calls += entry.kind == coverage::EntryKind::system_call;
    faults += entry.kind == coverage::EntryKind::page_fault;
    traps += entry.kind == coverage::EntryKind::trap;
    signals += entry.kind == coverage::EntryKind::signal;
  }
  std::unordered_set<std::string_view> functions;
  for (const symbol::Location& location : report.locations) {
    for (const symbol::Frame& frame : location.frames) functions.insert(frame.function);
  }
  const std::unordered_set<std::uint64_t> unique(report.pcs.begin(), report.pcs.end());
  std::string text;
  if (!report.entries.empty() && !report.release.empty()) {
    text += fmt::format(
        "{}, {}{}, {}; ", numbered(calls, "system call"), numbered(faults, "page fault"),
        traps == 0 ? std::string{} : ", " + numbered(traps, "trap"), numbered(signals, "signal"));
  }
  text += fmt::format("{}, {} of them unique", numbered(report.pcs.size(), "PC"), unique.size());
  if (!functions.empty()) text += ", in " + numbered(functions.size(), "function");
  text += fmt::format("\non {}", report.machine);
  if (!report.release.empty()) text += fmt::format(", Linux {}", report.release);
  return text + "\n";
}

}  // namespace

std::string text_of(const TraceReport& report, std::size_t width) {
  std::string text;
  if (!report.entries.empty()) {
    text = fmt::format("{:<{}} {:>7} {:>10}  {}\n", "entry", kNameColumns, "PCs", "functions",
                       "in order of first execution");
  }
  for (const coverage::Entry& entry : report.entries) {
    std::vector<std::string_view> path = call_path(report, entry);
    const std::string line = fmt::format("{:<{}} {:>7} {:>10}  ", entry.name, kNameColumns,
                                         entry.records.size(), path.size());
    // The entry's own functions (handle_syscall, __se_sys_read) say what its name says.
    std::size_t own = 0;
    while (own + 1 < path.size() && coverage::is_entry_function(path[own])) ++own;
    path.erase(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(own));
    const std::size_t left = width > line.size() + 20 ? width - line.size() : (width == 0 ? 0 : 20);
    text += line + joined(path, left) + "\n";
  }
  if (!report.unnamed.empty()) text += raw_of(report.pcs);
  return text + summary(report) + losses_of(report);
}

std::string losses_of(const TraceReport& report) {
  std::string text;
  if (report.dropped.value_or(0) != 0) {
    text += fmt::format(
        "{} dropped: the buffer of {} PCs was full; the trace is cut off there (--buffer {} would "
        "hold it)\n",
        numbered(*report.dropped, "record"), report.capacity,
        report.capacity + 1 + *report.dropped);
  } else if (!report.dropped && report.pcs.size() >= report.capacity) {
    text += fmt::format(
        "the buffer of {} PCs is full: an unknown number of records was dropped (--buffer)\n",
        report.capacity);
  }
  if (report.release.empty()) return text + "only the program's main thread was traced\n";
  const std::optional<std::size_t> all = report.untraced_tasks();
  const std::size_t seen = report.seen_untraced_tasks();
  if (seen != 0) {
    text += fmt::format("{}{} started by the command {} not traced\n", all ? "" : "at least ",
                        numbered(seen, "process or thread", "processes or threads"),
                        seen == 1 ? "was" : "were");
  } else if (!all) {
    text +=
        "not known whether the command started further processes or threads, which are not "
        "traced\n";
  }
  return text;
}

}  // namespace kcov::report
