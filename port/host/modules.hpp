// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The objects that are loaded in this process, for a trace file.
#pragma once

#include "port/host/trace_file.hpp"

namespace kcov::host {

// Adds the objects that `table` does not have yet and keeps `header`'s counts.
void add_modules(TraceFileHeader& header, TraceFileModule* table) noexcept;

}  // namespace kcov::host
