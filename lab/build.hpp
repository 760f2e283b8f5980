// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Builds a kernel of the lab: copy the source, make our edits, configure small,
// build on all cores, put the result on the shelf. What has been built from the same
// things before is not built again.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "lab/kernel.hpp"
#include "support/result.hpp"

namespace kcov::lab {

struct BuildRequest {
  std::string machine = "um";
  Variant variant = Variant::ours;
  std::filesystem::path source;  // empty: Debian's
  // Told what is being done: a step ("building"), and for the long one how many
  // objects are compiled and which is the last.
  std::function<void(std::string_view step)> on_step;
  std::function<void(int objects, std::string_view object)> on_object;
};

struct BuildResult {
  Kernel kernel;
  bool was_there = false;
};

Result<BuildResult> build_kernel(const BuildRequest& request);

// Removes the kernels that are not current, and says which. A machine that runs one of them
// goes on with it.
Result<std::vector<Kernel>> remove_superseded_kernels();

}  // namespace kcov::lab
