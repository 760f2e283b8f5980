// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Coverage sets on disk, as docs/recording.md documents them.
#pragma once

#include <string>

#include "coverage/coverage_set.hpp"
#include "support/result.hpp"

namespace kcov::coverage {

// Whether write_merged() could begin.
Status check_merged(const std::string& path);
// Whole or not at all.
Status write_merged(const std::string& path, const CoverageSet& set);

// Whether the file is one, and not a recording or anything else.
bool is_merged(const std::string& path);

// Errors: the file cannot be read, is none, was made by a newer kcovtool, is damaged.
Result<CoverageSet> read_merged(const std::string& path);

}  // namespace kcov::coverage
