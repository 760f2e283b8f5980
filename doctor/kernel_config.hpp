// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A kernel's configuration (.config), as it is found on a machine or beside an image.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.hpp"

namespace kcov::doctor {

class KernelConfig {
 public:
  // Reads a file of CONFIG_X=y and "# CONFIG_X is not set", gzipped or not. Errors: it cannot be
  // read or unpacked, or has no such line.
  static Result<KernelConfig> read(const std::filesystem::path& path);

  const std::string& path() const { return path_; }
  // Without its quotes: "y", "m", "6.12"; empty: not set.
  std::string value(std::string_view option) const;
  bool is_set(std::string_view option) const { return !value(option).empty(); }

 private:
  std::string path_;
  std::map<std::string, std::string, std::less<>> values_;
};

// The text of a file; where it is gzipped, what is in it.
Result<std::string> read_maybe_gzipped(const std::filesystem::path& path);

}  // namespace kcov::doctor
