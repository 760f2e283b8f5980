// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A kernel that the lab has built, and the shelf they stand on.
//
//   CACHE/kernels/MACHINE-VARIANT-KEY/   vmlinux, image, config, build.log, kernel.json
//   CACHE/kernels/current-MACHINE-VARIANT -> the one that was last asked for
//
// KEY is a hash of everything that went in, so that a kernel is built once. A
// directory appears under its final name only when it is whole.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lab/edits.hpp"
#include "support/result.hpp"

namespace kcov::lab {

struct Kernel {
  std::string machine;  // "um" or "x86_64"
  Variant variant = Variant::ours;
  std::string release;   // "6.12.117"
  std::string build_id;  // lower-case hex
  std::filesystem::path directory;
  bool current = false;

  // The image with its debug information; on um it is also what is run.
  std::filesystem::path vmlinux() const { return directory / "vmlinux"; }
  // What a machine that is no program boots: the compressed image. Not on um.
  std::filesystem::path image() const { return directory / "image"; }
  std::filesystem::path log() const { return directory / "build.log"; }
};

std::filesystem::path kernels_directory();

// An Error: it is there and cannot be read. list_kernels() takes that for empty.
Status check_kernels_directory();

// Every kernel on the shelf, the newest last.
std::vector<Kernel> list_kernels();

// The one that `lab run` and `trace` take; an Error says what to run to have one.
Result<Kernel> current_kernel(const std::string& machine, Variant variant);

// Where distributions and kernel builders put the image of a kernel that is not ours.
std::vector<std::string> usual_images(const std::string& release);

Result<Kernel> read_kernel(const std::filesystem::path& directory);
Status describe_kernel(const Kernel& kernel, const std::filesystem::path& directory);
// Points current-MACHINE-VARIANT at it.
Status make_current(const Kernel& kernel);

}  // namespace kcov::lab
