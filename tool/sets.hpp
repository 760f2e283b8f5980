// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Reading what several recordings reached.
#pragma once

#include <string>
#include <vector>

#include "coverage/coverage_set.hpp"
#include "support/result.hpp"

namespace kcov::tool {

// The recordings and merged recordings `files` put together, in their order. Names and entries
// are those in them, or those of `vmlinux`, or, where there are none in one, of an image that is
// found. On a terminal it says how far it has come. Errors: one of them cannot be read, or they
// are of several kernels.
Result<coverage::CoverageSet> read_set(const std::vector<std::string>& files,
                                       const std::string& vmlinux);

}  // namespace kcov::tool
