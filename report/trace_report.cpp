// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/trace_report.hpp"

#include <fmt/format.h>

#include <algorithm>
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

void cut(TraceReport& report) {
  std::vector<std::string_view> functions;
  functions.reserve(report.locations.size());
  for (const symbol::Location& location : report.locations) {
    functions.push_back(function_of(location));
  }
  report.entries = coverage::cut_into_entries(report.pcs, functions);
}

void one_entry(TraceReport& report, std::string name) {
  coverage::Entry entry{coverage::EntryKind::other, std::move(name), {}};
  entry.records.resize(report.pcs.size());
  std::iota(entry.records.begin(), entry.records.end(), std::size_t{0});
  report.entries.clear();
  report.entries.push_back(std::move(entry));
}

std::optional<std::size_t> TraceReport::untraced_tasks() const {
  // A program's own kcov does not see them, and neither do we where there are no names.
  const bool named = !release.empty() && locations.size() == pcs.size();
  if (!named || is_cut_off()) return std::nullopt;
  return seen_untraced_tasks();
}

std::size_t TraceReport::seen_untraced_tasks() const {
  // pid_vnr() gives a new task's number to its maker: reached only when there is one.
  if (locations.empty()) return 0;
  return static_cast<std::size_t>(
      std::count_if(entries.begin(), entries.end(), [&](const coverage::Entry& entry) {
        const bool makes_tasks = entry.name == "clone" || entry.name == "clone3" ||
                                 entry.name == "fork" || entry.name == "vfork";
        return makes_tasks &&
               std::any_of(entry.records.begin(), entry.records.end(), [&](std::size_t record) {
                 return locations[record].symbol.starts_with("pid_vnr");
               });
      }));
}

std::vector<std::string_view> call_path(const TraceReport& report, const coverage::Entry& entry) {
  std::vector<std::string_view> path;
  std::unordered_set<std::string_view> seen;
  const auto add = [&](std::string_view function) {
    if (seen.insert(function).second) path.push_back(function);
  };
  for (const std::size_t record : entry.records) {
    const symbol::Location& location = report.locations[record];
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

std::string raw_of(const std::vector<std::uint64_t>& pcs) {
  std::string text;
  text.reserve(pcs.size() * 19);
  for (const std::uint64_t pc : pcs) text += fmt::format("{:#x}\n", pc);
  return text;
}

}  // namespace kcov::report
