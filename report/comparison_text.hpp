// SPDX-License-Identifier: GPL-2.0-only OR MIT
// `kcovtool diff`.
#pragma once

#include <optional>
#include <string>

#include "coverage/comparison.hpp"

namespace kcov::report {

// What the two are to be called.
struct SideNames {
  std::string first;
  std::string second;
};

// For people: the numbers, `parting`, and the functions and lines of one side alone.
std::string text_of(const coverage::Comparison& comparison, const SideNames& names,
                    const std::string& parting);

// A sentence, and both sides of it; and where it is `found` within a call, before it the same of
// the calls by their names (`of_calls`).
std::string text_of(const std::optional<coverage::Parting>& found,
                    const std::optional<coverage::Parting>& of_calls,
                    const coverage::Recording& first, const coverage::Recording& second,
                    const SideNames& names);

}  // namespace kcov::report
