// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "coverage/coverage_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

namespace kcov::coverage {
CoverageSet::Pcs CoverageSet::Run::pcs() const {
  Pcs all;
  for (const Task& task : tasks) all |= task.pcs;
  return all;
}

void Merger::Bits::set(std::uint32_t number) {
  if (number / 64 >= words_.size()) words_.resize(number / 64 + 1);
  words_[number / 64] |= std::uint64_t{1} << number % 64;
}

CoverageSet::Pcs Merger::Bits::take() {
  std::vector<std::uint32_t> numbers;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    for (std::uint64_t word = std::exchange(words_[i], 0); word != 0; word &= word - 1)
      numbers.push_back(static_cast<std::uint32_t>(i * 64) +
                        static_cast<std::uint32_t>(std::countr_zero(word)));
  }
  CoverageSet::Pcs pcs(numbers.size(), numbers.data());
  pcs.runOptimize();
  pcs.shrinkToFit();
  return pcs;
}

Status Merger::add_about(const CoverageSet& about, const std::string& program,
                         const std::string& name) {
  if (set_.runs.empty()) {
    set_.machine = about.machine;
    set_.release = about.release;
    set_.build_id = about.build_id;
  } else if (set_.build_id != about.build_id || set_.release != about.release) {
    const auto kernel = [](const CoverageSet& of) {
      return fmt::format("Linux {}, build-id {}", of.release.empty() ? "unknown" : of.release,
                         of.build_id.empty() ? "unknown" : of.build_id);
    };
    return Error{
        fmt::format("cannot put {} and {} together: they are of different kernels ({}; {}), in "
                    "which a PC is not the same place",
                    set_.runs.front().name, name, kernel(set_), kernel(about))};
  }
  // Of a program's own kcov only its name is known.
  if (!set_.runs.empty() && about.release.empty() && about.build_id.empty() &&
      set_.runs.front().program() != program) {
    return Error{
        fmt::format("cannot put {} and {} together: they are of different programs ({}; {})",
                    set_.runs.front().name, name, set_.runs.front().program(), program)};
  }
  if (set_.machine != about.machine) set_.machine = "several";
  for (const Module& module : about.modules) {
    const auto is_it = [&](const Module& known) { return known.is_same_as(module); };
    if (std::none_of(set_.modules.begin(), set_.modules.end(), is_it))
      set_.modules.push_back(module);
  }
  if (set_.unnamed.empty()) set_.unnamed = about.unnamed;
  return {};
}

Status Merger::move_modules(std::vector<Module>& modules, symbol::Locations& locations,
                            const std::string& name) const {
  Status moved = coverage::move_modules(set_.modules, modules, locations);
  if (moved) return moved;
  return Error{fmt::format("cannot put {} and {} together: {}", set_.runs.front().name, name,
                           moved.error().message)};
}

Status Merger::move_modules(Recording& recording, const std::string& name) const {
  // Where they lie among the PCs is not known.
  if (recording.text_start != 0) return {};
  return move_modules(recording.modules, recording.locations, name);
}

Merger::Known Merger::look_up(const Recording& recording) const {
  Known known;
  known.numbers.reserve(recording.locations.size());
  for (std::uint32_t i = 0; i < recording.locations.size(); ++i) {
    known.numbers.push_back(numbers_.known_number_of(recording.locations[i].pc).value_or(kNone));
    if (known.numbers.back() == kNone) known.unknown.push_back(i);
  }
  return known;
}

std::uint32_t Merger::number_of(const symbol::Location& location) {
  const std::uint32_t number = numbers_.number_of(location.pc);
  if (number == set_.locations.size()) {
    set_.locations.push_back(location);
    set_.hits.push_back(0);
  }
  return number;
}

Merger::Bits& Merger::call(EntryKind kind, const std::string& name) {
  return calls_.try_emplace(name, Call{kind, {}}).first->second.pcs;
}

Status Merger::add(const Recording& recording, const std::string& name, Known known) {
  CoverageSet about;
  about.machine = recording.machine;
  about.release = recording.release;
  about.build_id = recording.build_id;
  if (recording.text_start == 0) about.modules = recording.modules;
  about.unnamed = recording.unnamed;
  const std::string program = recording.command.empty() ? "" : recording.command.front();
  if (Status same = add_about(about, program, name); !same) return same;

  // A new location gets its number when a record of it is seen.
  std::vector<std::uint32_t>& numbers = known.numbers;
  const std::size_t before = set_.locations.size();
  CoverageSet::Run run{name, recording.command, recording.status, false, {}};
  for (const Task& from : recording.tasks) {
    run.is_cut_off = run.is_cut_off || from.is_cut_off();
    from.for_each_own_record([&](std::uint32_t location) {
      std::uint32_t& number = numbers[location];
      if (number == kNone) number = number_of(recording.locations[location]);
      ++set_.hits[number];
      reached_.set(number);
    });
    for (const Entry& entry : from.entries) {
      if (entry.kind == EntryKind::tracer) continue;
      Bits& pcs = call(entry.kind, entry.name);
      entry.for_each_record([&](std::uint32_t record) { pcs.set(numbers[from.records[record]]); });
    }
    run.tasks.push_back({from.id, from.process,
                         from.programs.empty()
                             ? ""
                             : fmt::format("{}", fmt::join(from.programs.back().arguments, " ")),
                         reached_.take()});
  }
  if (set_.locations.size() != before) set_.locations.adopt_all_of(recording.locations);
  set_.runs.push_back(std::move(run));
  return {};
}

Status Merger::add(CoverageSet set, const std::string& name) {
  if (Status moved = move_modules(set.modules, set.locations, name); !moved) return moved;
  const std::string program = set.runs.empty() ? "" : set.runs.front().program();
  if (Status same = add_about(set, program, name); !same) return same;
  std::vector<std::uint32_t> numbers;
  for (std::size_t i = 0; i < set.locations.size(); ++i) {
    numbers.push_back(number_of(set.locations[i]));
    set_.hits[numbers.back()] += set.hits[i];
  }
  set_.locations.adopt_all_of(set.locations);
  for (const CoverageSet::Run& from : set.runs) {
    CoverageSet::Run& run = set_.runs.emplace_back(from);
    for (CoverageSet::Task& task : run.tasks) {
      for (const std::uint32_t pc : task.pcs) reached_.set(numbers[pc]);
      task.pcs = reached_.take();
    }
  }
  for (const CoverageSet::Call& from : set.calls) {
    Bits& pcs = call(from.kind, from.name);
    for (const std::uint32_t pc : from.pcs) pcs.set(numbers[pc]);
  }
  return {};
}

CoverageSet Merger::take() {
  for (auto& [name, call] : calls_) set_.calls.push_back({call.kind, name, call.pcs.take()});
  numbers_ = {};
  calls_.clear();
  return std::exchange(set_, {});
}

}  // namespace kcov::coverage
