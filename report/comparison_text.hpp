// SPDX-License-Identifier: GPL-2.0-only OR MIT
// `kcovtool diff`.
#pragma once

#include <string>

#include "coverage/comparison.hpp"

namespace kcov::report {

// For people: the numbers, where the runs part ways, and the functions and lines of one side
// alone. `names`: of the two, as they are to be called.
std::string text_of(const coverage::Comparison& comparison, const coverage::Recording& first,
                    const coverage::Recording& second, const std::string& first_name,
                    const std::string& second_name);

}  // namespace kcov::report
