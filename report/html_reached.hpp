// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Who reached each PC, for many PCs and many who reach: tasks, system calls.
//
// PCs that the same members reached share one set. A set is its last member and the set without
// it, so that it costs 8 bytes however many members it has:
//
//   set 0: nobody      set 1: set 0 + task 0      set 2: set 1 + task 3
//
// A member is added to all its PCs at once: those that were in one set before are in one after.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coverage/coverage_set.hpp"

namespace kcov::report::html {

class ReachedBy {
 public:
  using Set = std::uint32_t;  // 0: nobody

  // `count`: of the PCs, which are numbered from 0 on.
  explicit ReachedBy(std::size_t count) : sets_(count), steps_(1) {}

  // Members come in ascending order, each once.
  void add(std::uint32_t member, const coverage::CoverageSet::Pcs& pcs);

  Set of(std::uint32_t pc) const { return sets_[pc]; }
  // Of all these sets together, ascending.
  std::vector<std::uint32_t> members(std::span<const Set> sets) const;

 private:
  struct Step {
    Set before = 0;
    std::uint32_t member = 0;
  };
  std::vector<Set> sets_;    // of each PC
  std::vector<Step> steps_;  // of each set
};

}  // namespace kcov::report::html
