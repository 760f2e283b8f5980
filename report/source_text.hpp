// SPDX-License-Identifier: GPL-2.0-only OR MIT
// `--source`: the source lines that were executed, and some around them.
#pragma once

#include <cstddef>
#include <string>

#include "coverage/recording.hpp"
#include "report/look.hpp"
#include "report/source_files.hpp"

namespace kcov::report {

struct SourceText {
  std::string text;
  std::string missing;  // one sentence on what could not be shown; empty: nothing
};

// By file and function. A line's number is followed by a colon where it was executed and by a dash
// where it only stands near one, as grep's; before it stands how often its block that was executed
// most often was. `context`: lines to show before and after each. Where a file is not at hand, its
// lines are numbers.
SourceText text_of_source(const coverage::Recording& recording, const SourceFiles& files,
                          std::size_t context, const Look& look);

}  // namespace kcov::report
