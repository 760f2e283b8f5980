// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "coverage/coverage_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kcov::coverage {
namespace {

std::string joined(const std::vector<std::string>& arguments) {
  std::string text;
  for (const std::string& argument : arguments) text += (text.empty() ? "" : " ") + argument;
  return text;
}

}  // namespace

CoverageSet::Pcs CoverageSet::Run::pcs() const {
  Pcs all;
  for (const Task& task : tasks) all |= task.pcs;
  return all;
}

Status Merger::add(const Recording& recording, const std::string& name) {
  if (set_.runs.empty()) {
    set_.machine = recording.machine;
    set_.release = recording.release;
    set_.build_id = recording.build_id;
    set_.unnamed = recording.unnamed;
  } else if (set_.build_id != recording.build_id || set_.release != recording.release) {
    return Error{fmt::format(
        "cannot put {} and {} together: they are of different kernels (Linux {}, build-id {}; "
        "Linux {}, build-id {})",
        set_.runs.front().name, name, set_.release, set_.build_id, recording.release,
        recording.build_id)};
  }
  if (set_.machine != recording.machine) set_.machine = "several";
  if (set_.unnamed.empty()) set_.unnamed = recording.unnamed;

  // Of each PC of the recording its number here; given when a record of it is seen.
  constexpr std::uint32_t kNone = ~0u;
  std::vector<std::uint32_t> numbers(recording.locations.size(), kNone);
  const auto number_of = [&](std::uint32_t location) {
    std::uint32_t& number = numbers[location];
    if (number != kNone) return number;
    const symbol::Location& found = recording.locations[location];
    const auto [at, is_new] =
        numbers_.try_emplace(found.pc, static_cast<std::uint32_t>(set_.locations.size()));
    if (is_new) {
      set_.locations.push_back(found);
      set_.hits.push_back(0);
    }
    return number = at->second;
  };

  CoverageSet::Run run;
  run.name = name;
  run.command = recording.command;
  run.status = recording.status;
  for (const Task& from : recording.tasks) {
    CoverageSet::Task& task = run.tasks.emplace_back();
    task.id = from.id;
    task.process = from.process;
    if (!from.programs.empty()) task.program = joined(from.programs.back().arguments);
    run.is_cut_off = run.is_cut_off || from.is_cut_off();
    std::vector<std::uint32_t> reached;
    from.for_each_own_record([&](std::uint32_t location) {
      const std::uint32_t number = number_of(location);
      ++set_.hits[number];
      reached.push_back(number);
    });
    std::sort(reached.begin(), reached.end());
    reached.erase(std::unique(reached.begin(), reached.end()), reached.end());
    task.pcs.addMany(reached.size(), reached.data());
    task.pcs.runOptimize();
    task.pcs.shrinkToFit();
    for (const Entry& entry : from.entries) {
      if (entry.kind == EntryKind::tracer) continue;
      const auto [at, is_new] = calls_.try_emplace(entry.name, set_.calls.size());
      if (is_new) set_.calls.push_back({entry.kind, entry.name, {}});
      CoverageSet::Pcs& pcs = set_.calls[at->second].pcs;
      entry.for_each_record([&](std::uint32_t record) { pcs.add(numbers[from.records[record]]); });
    }
  }
  set_.locations.adopt_all_of(recording.locations);
  set_.runs.push_back(std::move(run));
  return {};
}

CoverageSet Merger::take() {
  std::sort(set_.calls.begin(), set_.calls.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  numbers_.clear();
  calls_.clear();
  return std::exchange(set_, {});
}

}  // namespace kcov::coverage
