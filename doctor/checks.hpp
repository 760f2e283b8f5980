// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The examinations: each looks at one thing and returns what it found. None changes anything;
// only those that say so run something.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "coverage/recording.hpp"
#include "doctor/finding.hpp"
#include "doctor/host.hpp"
#include "doctor/kernel_config.hpp"
#include "support/result.hpp"
#include "symbol/image.hpp"

namespace kcov::doctor {

// The running kernel: whether it has a kcov, whether that can be reached, works (a system call of
// ours is traced) and covers everything, and whether its PCs can be named.
Section check_running_kernel(const Host& host);

// The configuration of the running kernel, where it is to be found; an Error says where not.
Result<KernelConfig> running_config(const Host& host);

// Whether the kernel's calls of the callbacks sleep while nobody traces, and what waking them
// takes. Of a stock kernel nothing is said.
void check_sites(Section& section, const Sites& sites);

// The lab's kernel for `machine` ("um", "x86_64", ...): what it needs of this machine, and whether
// it boots and gives records (a small program is traced).
Section check_lab(const Host& host, const std::string& machine);

// What `lab build` needs: programs, the source, room.
Section check_build(const Host& host, const std::string& machine);

// Whether programs that are linked with kcov_host can unmake their calls while nobody traces.
void check_unmaking(Section& section, const Host& host);

// Which compilers can instrument (a small file is compiled with each).
Section check_compilers(const Host& host);

// A kernel's image: whether it is instrumented, and how much of it.
Section check_image(symbol::Image& image);

// What is at hand beside an image to say why a function is as it is.
struct KernelTree {
  std::filesystem::path source;        // empty: not at hand
  std::optional<KernelConfig> config;  // of the image
};
// Finds both: `source` if it is given, else the directory "source" beside the image; the
// configuration in the source, or beside the image. An Error: what is given is no kernel tree.
Result<KernelTree> find_tree(const std::filesystem::path& source,
                             const std::filesystem::path& vmlinux);

// Why a function of the image has coverage or cannot have any.
Section check_function(symbol::Image& image, const std::string& function, const KernelTree& tree);

// Why there is less in a recording than was expected.
Section check_recording(const coverage::Recording& recording, const std::string& name);

}  // namespace kcov::doctor
