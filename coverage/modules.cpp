// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "coverage/modules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace kcov::coverage {
namespace {

const Module* find_same(const std::vector<Module>& modules, const Module& module) {
  const auto at = std::find_if(modules.begin(), modules.end(),
                               [&](const Module& one) { return one.is_same_as(module); });
  return at == modules.end() ? nullptr : &*at;
}

const Module* find_overlap(const std::vector<Module>& modules, const Module& module) {
  const auto at = std::find_if(modules.begin(), modules.end(), [&](const Module& one) {
    return !one.is_same_as(module) && module.start < one.start + one.size &&
           one.start < module.start + module.size;
  });
  return at == modules.end() ? nullptr : &*at;
}

}  // namespace

std::vector<Module> reached_modules(const std::vector<Module>& modules,
                                    const symbol::Locations& locations) {
  std::vector<Module> reached;
  std::copy_if(
      modules.begin(), modules.end(), std::back_inserter(reached), [&](const Module& module) {
        return std::any_of(locations.begin(), locations.end(),
                           [&](const symbol::Location& one) { return module.contains(one.pc); });
      });
  return reached;
}

Status move_modules(const std::vector<Module>& others, std::vector<Module>& modules,
                    symbol::Locations& locations) {
  const std::vector<Module> before = reached_modules(modules, locations);
  std::vector<Module> after;
  for (const Module& module : before) {
    if (find_same(after, module) != nullptr) continue;
    const Module* const same = find_same(others, module);
    after.push_back(module);
    if (same != nullptr) after.back().start = same->start;
  }
  for (const Module& module : after) {
    const Module* overlap = find_overlap(others, module);
    if (overlap == nullptr && find_same(others, module) != nullptr)
      overlap = find_overlap(after, module);
    if (overlap == nullptr) continue;
    return Error{fmt::format("the modules {} and {} were loaded to the same place", module.name,
                             overlap->name)};
  }
  for (symbol::Location& location : locations) {
    const auto in = std::find_if(before.begin(), before.end(), [&](const Module& module) {
      return module.contains(location.pc);
    });
    if (in != before.end()) location.pc += find_same(after, *in)->start - in->start;
  }
  modules = std::move(after);
  return {};
}

}  // namespace kcov::coverage
