// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Finding the image that a recording's PCs are of, and naming them.
#pragma once

#include <optional>
#include <string>

#include "coverage/recording.hpp"
#include "support/result.hpp"
#include "symbol/image.hpp"

namespace kcov::tool {

// The image of the running kernel, where distributions and kernel builders put it; empty if
// it is nowhere there.
std::string find_vmlinux(const std::string& release);

// The image of the kernel with this build-id: one of the lab's, or the running one's; empty if
// there is none.
std::string find_image(const std::string& build_id, const std::string& release);

// Names the PCs and cuts the records into entries, or says in recording.unnamed why it cannot.
// `image`: what --vmlinux named; without one that at `path` is taken, which may be empty.
void name_records(coverage::Recording& recording, std::optional<symbol::Image> image,
                  const std::string& path);

// A recording with its names: those in it, or those of `vmlinux`, or, where there are none in
// it, of an image that is found. recording.unnamed says why there are none. What else is to be
// known of it goes to standard error.
Result<coverage::Recording> read_named(const std::string& file, const std::string& vmlinux);

}  // namespace kcov::tool
