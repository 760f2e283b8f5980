// SPDX-License-Identifier: GPL-2.0-only OR MIT
//
// Which functions contain an address: the one that was called and, inside it, those that
// were inlined there. The bulk half of locate(): all addresses of a unit in one walk.
#pragma once

#include <elfutils/libdw.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace kcov::symbol {

// A DW_TAG_subprogram, or a DW_TAG_inlined_subroutine and where it was inlined.
struct Scope {
  Dwarf_Die die;
  std::uint32_t outer;  // index of the scope around it; kNoScope around a DW_TAG_subprogram
};
inline constexpr std::uint32_t kNoScope = ~std::uint32_t{0};

struct ScopeTree {
  std::vector<Scope> scopes;             // those that hold an address
  std::vector<std::uint32_t> innermost;  // of each address; kNoScope where no function of the
                                         // unit contains it
};

// Finds the functions of the addresses (sorted, no two alike).
//
// One pass over the unit's top-level DIEs, which stops when every address has found its
// function. A function's own DIEs are walked only if an address lies in its ranges, and
// of those only the blocks and inlined calls that an address lies in. Damaged trees (a
// sibling that points back, endless nesting) end the walk; what was found until then stays.
ScopeTree find_scopes(Dwarf_Die unit, std::span<const std::uint64_t> addresses);

// Its name for people: C++ names demangled, with the class and arguments. Empty if none.
std::string function_name(Dwarf_Die& function);

}  // namespace kcov::symbol
