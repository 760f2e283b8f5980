// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The source that a kernel was built from, kept beside it: what reports show of it.
#pragma once

#include <filesystem>

#include "support/result.hpp"
#include "symbol/image.hpp"

namespace kcov::lab {

// Copies what `image`'s debug information names of `tree`, and the Makefiles of its directories
// (whether a file is instrumented stands there), to `directory`, each at its place in the tree.
Status keep_source_files(symbol::Image& image, const std::filesystem::path& tree,
                         const std::filesystem::path& directory);

}  // namespace kcov::lab
