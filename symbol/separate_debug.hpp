// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Debug information in a file of its own, as distributions ship it.
#pragma once

#include <string>

namespace kcov::symbol {

// The file that has the debug information of the image at `path`, as libdwfl finds and checks it:
// by build-id below /usr/lib/debug/.build-id, or by the image's debug link beside it, in .debug
// there, and below /usr/lib/debug; by a debuginfod server where DEBUGINFOD_URLS names one. Empty
// if there is none.
std::string separate_debug_file(const std::string& path);

}  // namespace kcov::symbol
