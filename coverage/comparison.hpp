// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What some recordings reached and others did not, and where two runs of one program part ways.
// What following the commands added is left out on both sides.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coverage/coverage_set.hpp"
#include "coverage/recording.hpp"

namespace kcov::coverage {

// Members of two sets; each list in order.
template <class T>
struct Sides {
  std::vector<T> first;   // in the first alone
  std::vector<T> second;  // in the second alone
  std::size_t both = 0;
};

struct FunctionName {
  std::string_view file;
  std::string_view function;
  auto operator<=>(const FunctionName&) const = default;
};
struct SourceLine {
  std::string_view file;
  int line = 0;
  auto operator<=>(const SourceLine&) const = default;
};

// The first system call of a task, in order, that the two runs did not make alike.
struct Parting {
  std::size_t task = 0;          // index of both, in order of their making
  std::size_t call = 0;          // how many calls of it were alike before
  const Entry* first = nullptr;  // null: that run's task has no further call
  const Entry* second = nullptr;
  std::size_t record = 0;  // of the call, how many are alike; when the names are the same

  bool is_of_other_calls() const {
    return first == nullptr || second == nullptr || first->name != second->name;
  }
};

struct Comparison {
  // Whether a PC is the same place in both. Else there are no sides of PCs, and the runs are
  // compared by their names.
  bool has_same_places = false;
  Sides<std::uint64_t> pcs;
  Sides<FunctionName> functions;
  Sides<SourceLine> lines;
};

// Whether a PC is the same place in both, once modules of the second that were loaded elsewhere are
// moved to where they lie in the first. Builds that are not known are not the same.
bool have_same_places(const Recording& first, Recording& second);
bool have_same_places(const CoverageSet& first, CoverageSet& second);

// `has_same_places`: whether a PC is the same place in both. The names in it are those of the sets,
// which must outlive it.
Comparison compare(const CoverageSet& first, const CoverageSet& second, bool has_same_places);

// None: all tasks of both made the same calls in the same way. What is in it is of the recordings,
// which must outlive it.
std::optional<Parting> find_parting(const Recording& first, const Recording& second,
                                    bool has_same_places);

// The same by the names of the calls alone: which the programs made, whatever the kernel did for
// each. An argument more makes another execve, and no other program.
std::optional<Parting> find_parting_of_calls(const Recording& first, const Recording& second);

}  // namespace kcov::coverage
