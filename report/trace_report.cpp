// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/trace_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <thread>
#include <unordered_map>

namespace kcov::report {
namespace {

// The function that a PC is counted to: the ELF symbol, because only it tells a .cold or
// .part piece from its function. But several symbols may stand at one address (every call
// that is not built in does): the debug information knows which of them is meant.
std::string_view function_of(const symbol::Location& location) {
  const std::string_view symbol = location.symbol;
  // Inlined into get_signal(), and no part of it.
  for (const symbol::Frame& frame : location.frames)
    if (frame.inlined && coverage::is_of_stop(frame.function)) return frame.function;
  if (location.frames.empty()) return symbol;
  const std::string_view function = location.frames.back().function;
  return symbol.substr(0, symbol.find('.')) == function ? symbol : function;
}

}  // namespace

coverage::Code code_of(const symbol::Locations& locations) {
  std::vector<std::uint64_t> pcs;
  std::vector<std::string_view> functions;
  for (const symbol::Location& location : locations) {
    pcs.push_back(location.pc);
    functions.push_back(function_of(location));
  }
  return {pcs, functions};
}

void cut(Recording& report) {
  const coverage::Code code = code_of(report.locations);
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i; (i = next++) < report.tasks.size();) {
      Task& task = report.tasks[i];
      if (task.entries.empty()) task.entries = coverage::cut_into_entries(task.records, code);
    }
  };
  // This thread is one of them.
  const std::size_t workers =
      std::min<std::size_t>(std::thread::hardware_concurrency(), report.tasks.size());
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < workers; ++i) threads.emplace_back(work);
  work();
}

void one_entry(Recording& report, std::string name) {
  Task& task = report.tasks.front();
  coverage::Entry entry{coverage::EntryKind::other, std::move(name), {}};
  const auto count = static_cast<std::uint32_t>(task.records.size());
  if (count != 0) entry.ranges.push_back({0, count});
  task.entries.clear();
  task.entries.push_back(std::move(entry));
}

Paths::Paths(const Recording& report)
    : functions_(report.locations.size()), seen_locations_(report.locations.size()) {
  std::unordered_map<std::string_view, std::uint32_t> numbers;
  const auto add = [&](std::size_t location, std::string_view function) {
    const auto [found, is_new] =
        numbers.try_emplace(function, static_cast<std::uint32_t>(names_.size()));
    if (is_new) names_.push_back(function);
    functions_[location].push_back(found->second);
  };
  for (std::size_t i = 0; i < report.locations.size(); ++i) {
    const symbol::Location& location = report.locations[i];
    if (location.frames.empty()) {
      add(i, location.symbol.empty() ? "?" : std::string_view(location.symbol));
      continue;
    }
    for (auto frame = location.frames.rbegin(); frame != location.frames.rend(); ++frame) {
      // Accessors that headers put everywhere say nothing about the way taken.
      if (!frame->inlined || !frame->file.ends_with(".h")) add(i, frame->function);
    }
  }
  seen_names_.resize(names_.size());
}

Paths::Path Paths::of(const Task& task, const coverage::Entry& entry) {
  Path path;
  ++entries_;
  entry.for_each_record([&](std::uint32_t record) {
    std::uint32_t& seen = seen_locations_[task.records[record]];
    if (seen == entries_) return;
    path.fresh += seen == 0;
    seen = entries_;
    for (const std::uint32_t name : functions_[task.records[record]]) {
      if (seen_names_[name] == entries_) continue;
      seen_names_[name] = entries_;
      path.functions.push_back(names_[name]);
    }
  });
  return path;
}

std::string raw_of(const Recording& report) {
  // Written once for each PC, not for each record.
  std::vector<std::string> lines;
  for (const symbol::Location& location : report.locations)
    lines.push_back(fmt::format("{:#x}\n", location.pc));
  std::string text;
  text.reserve(report.record_count() * 19);
  for (const Task& task : report.tasks)
    task.for_each_own_record([&](std::uint32_t location) { text += lines[location]; });
  return text;
}

}  // namespace kcov::report
