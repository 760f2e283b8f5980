// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "coverage/call_walk.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace kcov::coverage {
namespace {

// Calls visit(entry) for each that the command itself made.
template <class Visit>
void for_each_own_entry(const Task& task, Visit visit) {
  for (const Entry& entry : task.entries)
    if (entry.kind != EntryKind::tracer) visit(entry);
}

}  // namespace

Blocks::Blocks(const Recording& recording)
    : recording_(recording), functions_of_(recording.locations.size(), kNone) {
  // A function is known by its address: those of headers stand in an image more than once, under
  // one name.
  std::unordered_map<std::uint64_t, std::uint32_t> by_address;
  std::map<std::pair<std::string_view, std::string_view>, std::uint32_t> names;
  for (std::size_t i = 0; i < recording.locations.size(); ++i) {
    const symbol::Location& location = recording.locations[i];
    if (location.symbol.empty()) continue;
    const auto [found, is_new] = by_address.try_emplace(
        location.pc - location.symbol_offset, static_cast<std::uint32_t>(functions_.size()));
    functions_of_[i] = found->second;
    if (!is_new) continue;
    const std::size_t cold = location.symbol.find(".cold");
    const std::string_view file =
        location.frames.empty() ? std::string_view{} : location.frames.back().function_file();
    const auto name = names.try_emplace({location.symbol.substr(0, cold), file},
                                        static_cast<std::uint32_t>(names.size()));
    functions_.push_back({.name = name.first->second, .is_cold = cold != std::string_view::npos});
  }
  // A task's first block of a function is where that is entered. A trace may also begin within
  // one; then it is the lowest in memory that counts, if any task began there.
  for (const bool all : {true, false}) {
    std::vector<std::size_t> seen_by(functions_.size());
    for (std::size_t number = 0; number < recording.tasks.size(); ++number) {
      const Task& task = recording.tasks[number];
      for_each_own_entry(task, [&](const Entry& entry) {
        entry.for_each_record([&](std::uint32_t record) {
          const std::uint32_t of = functions_of_[task.records[record]];
          if (of == kNone) return;
          Function& function = functions_[of];
          const std::uint64_t pc = recording.locations[task.records[record]].pc;
          if (all) function.lowest = std::min(function.lowest, pc);
          if (seen_by[of] == number + 1) return;
          seen_by[of] = number + 1;
          if (function.entry == ~std::uint64_t{0} || (!all && pc == function.lowest))
            function.entry = pc;
        });
      });
    }
  }
}

bool Blocks::is_entry(std::uint32_t location, std::uint32_t before) const {
  const std::uint32_t number = functions_of_[location];
  const Function& function = functions_[number];
  if (recording_.locations[location].pc != function.entry || function.is_cold) return false;
  // Where the first block is not the lowest, it is the head of a loop, and comes again in the
  // same call.
  return function.entry == function.lowest || before != number;
}

std::uint64_t hash_of(const Task& task, const Entry& entry) {
  std::uint64_t hash = entry.record_count();
  entry.for_each_record([&](std::uint32_t record) {
    constexpr std::uint64_t kPrime = 0x9e3779b97f4a7c15;
    hash = (hash ^ task.records[record]) * kPrime;
    hash ^= hash >> 29;
  });
  return hash;
}

Habits learn_habits(const Recording& recording, const Blocks& blocks) {
  struct Nobody {
    void enter(std::uint32_t, bool) {}
    void leave() {}
    void block(std::uint32_t) {}
  } nobody;
  // Of entries that are alike one teaches all that there is to learn.
  std::vector<std::pair<const Task*, const Entry*>> lessons;
  std::unordered_set<std::uint64_t> known;
  for (const Task& task : recording.tasks) {
    for_each_own_entry(task, [&](const Entry& entry) {
      if (known.insert(hash_of(task, entry)).second) lessons.emplace_back(&task, &entry);
    });
  }
  // What is learned from one entry helps with the next; few times over the whole are enough.
  constexpr int kTimes = 4;
  Habits habits(recording.locations.size());
  for (int time = 0; time < kTimes; ++time) {
    for (const auto& lesson : lessons) {
      const Task& task = *lesson.first;
      CallWalk<Nobody> walk(blocks, habits, &habits, nobody);
      lesson.second->for_each_record(
          [&](std::uint32_t record) { walk.step(task.records[record]); });
      walk.end();
    }
    if (!habits.is_new()) break;
  }
  return habits;
}

}  // namespace kcov::coverage
