// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Where a kernel's source comes from: Debian's package, or a tree or tarball of the
// user's. Either is copied; the original is never written to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "support/result.hpp"

namespace kcov::lab {

struct Source {
  std::filesystem::path path;
  bool is_tree = false;
  std::uint64_t hash = 0;  // of the tarball's bytes; of a tree's names, sizes and times
};

// `given`, or Debian's tarball of `series` ("6.12") in /usr/src.
Result<Source> find_source(const std::filesystem::path& given, const std::string& series);

// Copies or unpacks it into `tree`, which is made.
Status unpack_source(const Source& source, const std::filesystem::path& tree);

// "6.12" of a tree whose Makefile says 6, 12; an Error when it is no kernel tree.
Result<std::string> series_of(const std::filesystem::path& tree);

}  // namespace kcov::lab
