// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/trace_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <unordered_set>

namespace kcov::report {
namespace {

// The function that a PC is counted to: the ELF symbol, because only it tells a .cold or
// .part piece from its function. But several symbols may stand at one address (every call
// that is not built in does): the debug information knows which of them is meant.
std::string_view function_of(const symbol::Location& location) {
  const std::string_view symbol = location.symbol;
  if (location.frames.empty()) return symbol;
  const std::string_view function = location.frames.back().function;
  return symbol.substr(0, symbol.find('.')) == function ? symbol : function;
}

}  // namespace

std::size_t TraceReport::record_count() const {
  return std::accumulate(
      tasks.begin(), tasks.end(), std::size_t{0},
      [](std::size_t sum, const TaskReport& task) { return sum + task.records.size(); });
}

void set_records(const TraceReport& report, std::span<const std::uint64_t> pcs, TaskReport& task) {
  task.records.reserve(pcs.size());
  for (const std::uint64_t pc : pcs) {
    const auto found = std::lower_bound(report.locations.begin(), report.locations.end(), pc,
                                        [](const symbol::Location& location, std::uint64_t wanted) {
                                          return location.pc < wanted;
                                        });
    task.records.push_back(static_cast<std::uint32_t>(found - report.locations.begin()));
  }
}

void cut(TraceReport& report) {
  std::vector<std::uint64_t> pcs;
  std::vector<std::string_view> functions;
  for (TaskReport& task : report.tasks) {
    pcs.clear();
    functions.clear();
    for (const std::uint32_t record : task.records) {
      pcs.push_back(report.locations[record].pc);
      functions.push_back(function_of(report.locations[record]));
    }
    task.entries = coverage::cut_into_entries(pcs, functions);
  }
}

void one_entry(TraceReport& report, std::string name) {
  TaskReport& task = report.tasks.front();
  coverage::Entry entry{coverage::EntryKind::other, std::move(name), {}};
  entry.records.resize(task.records.size());
  std::iota(entry.records.begin(), entry.records.end(), std::size_t{0});
  task.entries.clear();
  task.entries.push_back(std::move(entry));
}

std::vector<std::string_view> call_path(const TraceReport& report, const TaskReport& task,
                                        const coverage::Entry& entry) {
  std::vector<std::string_view> path;
  std::unordered_set<std::string_view> seen;
  const auto add = [&](std::string_view function) {
    if (seen.insert(function).second) path.push_back(function);
  };
  for (const std::size_t record : entry.records) {
    const symbol::Location& location = report.locations[task.records[record]];
    if (location.frames.empty()) {
      add(location.symbol.empty() ? "?" : location.symbol);
      continue;
    }
    for (auto frame = location.frames.rbegin(); frame != location.frames.rend(); ++frame) {
      // Accessors that headers put everywhere say nothing about the way taken.
      if (!frame->inlined || !frame->file.ends_with(".h")) add(frame->function);
    }
  }
  return path;
}

std::string raw_of(const TraceReport& report) {
  std::string text;
  text.reserve(report.record_count() * 19);
  for (const TaskReport& task : report.tasks) {
    for (const std::uint32_t record : task.records)
      fmt::format_to(std::back_inserter(text), "{:#x}\n", report.locations[record].pc);
  }
  return text;
}

}  // namespace kcov::report
