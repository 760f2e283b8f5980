// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The code that kcov can see, point by point, and which of it was reached.
#pragma once

#include <cstdint>
#include <functional>
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
  // Numbers in the CoverageSet of recorded PCs that are no points. They count nowhere.
  std::vector<std::uint32_t> tails;  // behind a call, of a function that ends with a jump to kcov's
                                     // callback: that it was reached, not at which of its points
  std::vector<std::uint32_t> strays;  // the others: of a module's initialization, which is gone, or
                                      // of a buffer that something else wrote to

  // Those of both.
  coverage::CoverageSet::Pcs uncounted() const;
};

// What the kernel's image tells.
struct Kernel {
  // All, by PC, with their names; none: they are not known, and what was reached is all.
  symbol::Locations points;
  // Whether a PC lies behind a call of anything. Not asked without points.
  std::function<bool(std::uint64_t pc)> is_behind_call;
};

Points points_of(const coverage::CoverageSet& set, Kernel kernel);

}  // namespace kcov::report::html
