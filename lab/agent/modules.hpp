// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The kernel modules that are loaded.
#pragma once

#include "lab/protocol.hpp"

namespace kcov::agent {

// As the kernel tells those who may know: where it keeps its addresses to itself there are none.
lab::LoadedModules loaded_modules();

}  // namespace kcov::agent
