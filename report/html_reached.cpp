// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/html_reached.hpp"

#include <algorithm>
#include <unordered_map>

namespace kcov::report::html {

void ReachedBy::add(std::uint32_t member, const coverage::CoverageSet::Pcs& pcs) {
  std::unordered_map<Set, Set> grown;
  for (const std::uint32_t pc : pcs) {
    Set& set = sets_[pc];
    const auto [at, is_new] = grown.try_emplace(set, static_cast<Set>(steps_.size()));
    if (is_new) steps_.push_back({set, member});
    set = at->second;
  }
}

std::vector<std::uint32_t> ReachedBy::members(std::span<const Set> sets) const {
  std::vector<std::uint32_t> all;
  for (Set set : sets)
    for (; set != 0; set = steps_[set].before) all.push_back(steps_[set].member);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace kcov::report::html
