// SPDX-License-Identifier: GPL-2.0-only OR MIT
//
// All PCs that kcov can record in an image: where its callback returns to.
//
// They are found with a true decoder, from the start of each function on, so that bytes in the
// midst of an instruction that look like a call are none. A function that ends with a jump to the
// callback has one such point less: what is recorded there lies behind the call of that function.
#pragma once

#include <libelf.h>

#include <cstdint>
#include <vector>

#include "symbol/elf_symbols.hpp"

namespace kcov::symbol {

// Ascending. Empty where it cannot be told: no x86-64, no symbols, or an image that calls its
// callback through a register or a table (the large code model, a shared object).
std::vector<std::uint64_t> coverable_pcs(Elf* elf, const ElfSymbols& symbols);

}  // namespace kcov::symbol
