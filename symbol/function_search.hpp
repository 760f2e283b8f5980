// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What became of one function in an image, from its symbols and its debug information.
#pragma once

#include <elfutils/libdw.h>
#include <libelf.h>

#include <string_view>

#include "symbol/callback_calls.hpp"
#include "symbol/instrumentation.hpp"
#include "symbol/unit_map.hpp"

namespace kcov::symbol {

// `dwarf` may be null.
FunctionReport search_function(Elf* elf, Dwarf* dwarf, UnitMap& units, const CallbackCalls& calls,
                               std::string_view name);

}  // namespace kcov::symbol
