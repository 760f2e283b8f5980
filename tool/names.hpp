// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Finding the image that a recording's PCs are of, and naming them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coverage/coverage_set.hpp"
#include "coverage/recording.hpp"
#include "lab/kernel.hpp"
#include "support/result.hpp"
#include "symbol/image.hpp"

namespace kcov::tool {

// The image of the running kernel, where distributions and kernel builders put it; empty if
// it is nowhere there.
std::string find_vmlinux(const std::string& release);

// The image of the kernel with this build-id: one of the lab's, or the running one's; empty if
// there is none.
std::string find_image(const std::string& build_id, const std::string& release);

// The image of the lab's current kernel. The Error says what to do.
Result<std::string> find_lab_image(const std::string& machine, lab::Variant variant);

// A module whose code is not known.
struct MissingModule {
  coverage::Module module;
  std::string why;  // "it is neither below /boot nor /lib/modules/6.12.1"
};

// Adds the files of the modules, looked for by name and build-id below the image's directory (a
// kernel's own build tree, what `lab build` kept) and below /lib/modules/RELEASE. Returns those
// of which there is no good file.
std::vector<MissingModule> add_modules(symbol::Image& image,
                                       const std::vector<coverage::Module>& modules,
                                       const std::string& release);

// All that there is to cover in the image and in the set's modules, by PC, with its names: what
// percentages are of. Of a module whose code is not known it is what was reached, and that is said
// on standard error. Empty where it cannot be told for the image.
symbol::Locations all_points(symbol::Image& image, const coverage::CoverageSet& set);

// Names the PCs, or says in recording.unnamed why it cannot.
// `image`: what --vmlinux named; without one that at `path` is taken, which may be empty.
void name_records(coverage::Recording& recording, std::optional<symbol::Image> image,
                  const std::string& path);

// An Error where `vmlinux`, which is not empty, was named and has not given `recording` names: a
// mistake, for nobody asked for bare PCs.
Status check_names(const coverage::Recording& recording, const std::string& file,
                   const std::string& vmlinux);

// A recording with its names: those in it, or those of `vmlinux`, or, where there are none in
// it, of an image that is found. recording.unnamed says why there are none. What else is to be
// known of it goes to standard error.
Result<coverage::Recording> read_named(const std::string& file, const std::string& vmlinux);

}  // namespace kcov::tool
