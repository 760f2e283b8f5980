// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Where things are: the tool's own data, and the cache that kernels are kept in.
#pragma once

#include <filesystem>

#include "support/result.hpp"

namespace kcov::lab {

// The directory that holds core/, port/ and lab/config: $KCOVTOOL_DATA, or share/kcov beside
// the bin the tool is installed in, or the repository it was built in.
Result<std::filesystem::path> data_directory();

// $KCOVTOOL_CACHE, or kcovtool below $XDG_CACHE_HOME or ~/.cache.
std::filesystem::path cache_directory();

// The program that runs commands inside a machine; it lies beside the tool, or in
// libexec/kcov when installed.
Result<std::filesystem::path> agent_path();

}  // namespace kcov::lab
