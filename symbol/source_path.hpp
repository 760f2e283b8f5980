// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Names of source files, in the one spelling that we use for each.
#pragma once

#include <string>
#include <string_view>

namespace kcov::symbol {

// `file` without "." and ".." parts, and relative to the directory the compiler ran in
// where it lies below that. Works on the text alone: the files need not exist, and
// symbolic links are not followed. A relative `file` is taken to start in `directory`.
//
//   source_path("./fs/../mm/slub.c", "/src/linux")      "mm/slub.c"
//   source_path("/src/linux/mm/slub.c", "/src/linux")   "mm/slub.c"
//   source_path("../linux/mm/slub.c", "/src/build")     "/src/linux/mm/slub.c"
std::string source_path(std::string_view file, std::string_view directory);

}  // namespace kcov::symbol
