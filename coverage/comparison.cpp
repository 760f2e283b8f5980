// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "coverage/comparison.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>

namespace kcov::coverage {
namespace {

// By name.
struct Reached {
  explicit Reached(const CoverageSet& set) {
    for (const symbol::Location& location : set.locations) {
      pcs.insert(location.pc);
      for (const symbol::Frame& frame : location.frames) {
        functions.insert({frame.function_file(), frame.function});
        if (frame.line != 0) lines.insert({frame.file, frame.line});
      }
    }
  }

  std::set<std::uint64_t> pcs;
  std::set<FunctionName> functions;
  std::set<SourceLine> lines;
};

template <class T>
Sides<T> sides_of(const std::set<T>& first, const std::set<T>& second) {
  Sides<T> sides;
  std::set_difference(first.begin(), first.end(), second.begin(), second.end(),
                      std::back_inserter(sides.first));
  std::set_difference(second.begin(), second.end(), first.begin(), first.end(),
                      std::back_inserter(sides.second));
  sides.both = first.size() - sides.first.size();
  return sides;
}

// A program's own kcov knows no system calls: all that it did is one.
std::vector<const Entry*> calls_of(const Task& task) {
  std::vector<const Entry*> calls;
  std::vector<const Entry*> others;
  for (const Entry& entry : task.entries) {
    if (entry.kind == EntryKind::system_call) calls.push_back(&entry);
    if (entry.kind == EntryKind::other) others.push_back(&entry);
  }
  return calls.empty() ? others : calls;
}

std::vector<std::uint32_t> records_of(const Task& task, const Entry& entry) {
  std::vector<std::uint32_t> records;
  entry.for_each_record([&](std::uint32_t record) { records.push_back(task.records[record]); });
  return records;
}

// What has to be alike.
enum class Likeness : std::uint8_t {
  calls,   // their names
  blocks,  // what the kernel executed for each, by where in the source it lies
  places,  // the same by PCs
};

class Runs {
 public:
  Runs(const Recording& first, const Recording& second, Likeness likeness)
      : first_(first), second_(second), likeness_(likeness) {}

  std::optional<Parting> parting() const {
    const std::size_t tasks = std::max(first_.tasks.size(), second_.tasks.size());
    for (std::size_t task = 0; task < tasks; ++task)
      if (std::optional<Parting> found = parting_of(task)) return found;
    return {};
  }

 private:
  // Otherwise what the code is called, and not where it lies.
  bool is_same_place(std::uint32_t first, std::uint32_t second) const {
    const symbol::Location& a = first_.locations[first];
    const symbol::Location& b = second_.locations[second];
    if (likeness_ == Likeness::places) return a.pc == b.pc;
    if (a.frames.empty() || b.frames.empty()) return a.frames.empty() == b.frames.empty();
    const symbol::Frame& one = a.frames[0];
    const symbol::Frame& other = b.frames[0];
    return std::tie(one.function, one.file, one.line, one.inlined) ==
           std::tie(other.function, other.file, other.line, other.inlined);
  }

  std::optional<Parting> parting_of(std::size_t number) const {
    static const Task kNone;
    const Task& a = number < first_.tasks.size() ? first_.tasks[number] : kNone;
    const Task& b = number < second_.tasks.size() ? second_.tasks[number] : kNone;
    const std::vector<const Entry*> ours = calls_of(a);
    const std::vector<const Entry*> theirs = calls_of(b);
    for (std::size_t i = 0; i < std::max(ours.size(), theirs.size()); ++i) {
      Parting parting{number, i, i < ours.size() ? ours[i] : nullptr,
                      i < theirs.size() ? theirs[i] : nullptr, 0};
      if (parting.is_of_other_calls()) return parting;
      if (likeness_ == Likeness::calls) continue;
      const std::vector<std::uint32_t> one = records_of(a, *parting.first);
      const std::vector<std::uint32_t> other = records_of(b, *parting.second);
      const auto [at, with] =
          std::mismatch(one.begin(), one.end(), other.begin(), other.end(),
                        [&](std::uint32_t x, std::uint32_t y) { return is_same_place(x, y); });
      if (at == one.end() && with == other.end()) continue;
      parting.record = static_cast<std::size_t>(at - one.begin());
      return parting;
    }
    return {};
  }

  const Recording& first_;
  const Recording& second_;
  Likeness likeness_;
};

template <class Side>
bool match(const Side& first, Side& second) {
  if (first.build_id.empty() || first.build_id != second.build_id) return false;
  return move_modules(reached_modules(first.modules, first.locations), second.modules,
                      second.locations)
      .ok();
}

}  // namespace

bool have_same_places(const Recording& first, Recording& second) { return match(first, second); }
bool have_same_places(const CoverageSet& first, CoverageSet& second) {
  return match(first, second);
}

Comparison compare(const CoverageSet& first, const CoverageSet& second, bool has_same_places) {
  Comparison comparison;
  comparison.has_same_places = has_same_places;
  const Reached ours(first);
  const Reached theirs(second);
  if (has_same_places) comparison.pcs = sides_of(ours.pcs, theirs.pcs);
  comparison.functions = sides_of(ours.functions, theirs.functions);
  comparison.lines = sides_of(ours.lines, theirs.lines);
  return comparison;
}

std::optional<Parting> find_parting(const Recording& first, const Recording& second,
                                    bool has_same_places) {
  return Runs(first, second, has_same_places ? Likeness::places : Likeness::blocks).parting();
}

std::optional<Parting> find_parting_of_calls(const Recording& first, const Recording& second) {
  return Runs(first, second, Likeness::calls).parting();
}

}  // namespace kcov::coverage
