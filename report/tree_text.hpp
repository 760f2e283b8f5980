// SPDX-License-Identifier: GPL-2.0-only OR MIT
// `--tree`: what each entry executed, as a tree of calls (coverage/call_tree.hpp).
#pragma once

#include <string>

#include "coverage/recording.hpp"
#include "report/look.hpp"

namespace kcov::report {

// A heading for each entry and a line for each call below it; an entry whose tree is that of one
// before names that. Small inlined functions of headers are there if lines are as long as they
// like (Accessors).
std::string text_of_tree(const coverage::Recording& recording, const Look& look);

}  // namespace kcov::report
