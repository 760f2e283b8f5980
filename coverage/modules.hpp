// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The kernel modules that were loaded while something was recorded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/result.hpp"
#include "symbol/location.hpp"

namespace kcov::coverage {

struct Module {
  std::string name;         // as in /proc/modules
  std::uint64_t start = 0;  // of its code
  std::uint64_t size = 0;   // bytes, of its code at least, and not into another's
  std::string build_id;     // lower-case hexadecimal; may be empty

  // Of a PC as kcov records it, behind a call.
  bool contains(std::uint64_t pc) const { return pc > start && pc - start <= size; }
  bool is_same_as(const Module& other) const {
    return name == other.name && build_id == other.build_id;
  }
};

// Those of them that one of the locations lies in.
std::vector<Module> reached_modules(const std::vector<Module>& modules,
                                    const symbol::Locations& locations);

// A kernel loads a module elsewhere each time. Leaves in `modules` those that were reached, each
// once, at the place that it has in `others`, or where it was first; and moves the locations in
// them there. Errors: then two would lie at one place.
Status move_modules(const std::vector<Module>& others, std::vector<Module>& modules,
                    symbol::Locations& locations);

}  // namespace kcov::coverage
