// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The source files that the debug information of an image names.
#pragma once

#include <elfutils/libdw.h>

#include <string>
#include <vector>

namespace kcov::symbol {

// Each once, in order, as source_path() spells them; those of headers, too. `dwarf` may be null:
// then there are none.
std::vector<std::string> source_files(Dwarf* dwarf);

}  // namespace kcov::symbol
