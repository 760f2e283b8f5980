// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What the source of a function says about its own instrumentation.
#pragma once

#include <string>
#include <string_view>

namespace kcov::doctor {

// The word by which the definition in line `line` of `source` asks not to be instrumented:
// "noinstr", "__no_sanitize_coverage", ...; empty: none is there. Debug information names the line
// of the function's name, and the word may stand a few above it, or be the macro that the function
// is made by.
std::string word_against_instrumentation(std::string_view source, int line);

}  // namespace kcov::doctor
