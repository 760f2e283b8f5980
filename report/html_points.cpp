// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/html_points.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace kcov::report::html {

coverage::CoverageSet::Pcs Points::uncounted() const {
  coverage::CoverageSet::Pcs pcs;
  pcs.addMany(tails.size(), tails.data());
  pcs.addMany(strays.size(), strays.data());
  return pcs;
}

Points points_of(const coverage::CoverageSet& set, Kernel kernel) {
  const auto count = static_cast<std::uint32_t>(set.locations.size());
  Points points;
  points.are_all = !kernel.points.empty();
  if (!points.are_all) {
    points.locations = set.locations;
    points.reached_as.resize(count);
    std::iota(points.reached_as.begin(), points.reached_as.end(), 0u);
    return points;
  }
  points.locations = std::move(kernel.points);
  points.reached_as.assign(points.locations.size(), Points::kNever);
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return set.locations[a].pc < set.locations[b].pc;
  });
  std::size_t at = 0;
  for (const std::uint32_t number : order) {
    const std::uint64_t pc = set.locations[number].pc;
    while (at < points.locations.size() && points.locations[at].pc < pc) ++at;
    if (at < points.locations.size() && points.locations[at].pc == pc)
      points.reached_as[at] = number;
    else
      (kernel.is_behind_call(pc) ? points.tails : points.strays).push_back(number);
  }
  return points;
}

}  // namespace kcov::report::html
