// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The code that kcov can see, point by point, and which of it was reached.
#pragma once

#include <cstdint>
#include <vector>

#include "coverage/coverage_set.hpp"
#include "symbol/location.hpp"

namespace kcov::report::html {

struct Points {
  static constexpr std::uint32_t kNever = ~0u;

  symbol::Locations locations;
  // Of each its number in the CoverageSet, or kNever.
  std::vector<std::uint32_t> reached_as;
  // Whether those are here that nobody reached. If not, there are no percentages.
  bool are_all = false;
  // Numbers in the CoverageSet of recorded PCs that are no points: a buffer that something else
  // wrote to, most likely. They count nowhere.
  std::vector<std::uint32_t> strays;
};

// `coverable`: all points of the kernel, by PC; none: they are not known, and what was reached
// is all there is.
Points points_of(const coverage::CoverageSet& set, symbol::Locations coverable);

}  // namespace kcov::report::html
