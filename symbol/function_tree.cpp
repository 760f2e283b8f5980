// SPDX-License-Identifier: GPL-2.0-only OR MIT
//
// How the walk stays linear on any input: `reached_` is the highest offset seen so far,
// and the walk goes on only to a DIE beyond it. In a sound tree pre-order is the order of
// offsets, so this changes nothing there; in a damaged one no DIE is visited twice.
//
// How the tree stays true: a scope becomes the innermost of an address only if the scope
// right around it is the innermost until then. So when two siblings both claim an address,
// which no sound compiler writes, the first keeps it.
#include "symbol/function_tree.hpp"

#include <cxxabi.h>
#include <dwarf.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

namespace kcov::symbol {
namespace {

constexpr int deepest = 512;  // levels of DIEs; gcc's deepest in a kernel are about 60

// Scopes that hold functions without being in one themselves.
bool holds_functions(int tag) {
  switch (tag) {
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type: return true;
    default: return false;
  }
}

class Walk {
 public:
  explicit Walk(std::span<const std::uint64_t> addresses)
      : addresses_(addresses), missing_(addresses.size()) {
    tree_.innermost.assign(addresses.size(), kNoScope);
  }

  // The children of a unit, or of a namespace in it.
  void functions_below(Dwarf_Die& parent, int level) {
    for_each_child(parent, level, [&](Dwarf_Die& die) {
      const int tag = dwarf_tag(&die);
      if (tag == DW_TAG_subprogram) {
        function(die, level);
      } else if (holds_functions(tag)) {
        functions_below(die, level + 1);
      }
      return missing_ != 0;
    });
  }

  ScopeTree take() { return std::move(tree_); }

 private:
  using Members = std::vector<std::uint32_t>;  // indexes into addresses_, ascending

  // Calls visit(child) until it returns false or the tree ends, or stops making sense.
  template <class Visit>
  void for_each_child(Dwarf_Die& parent, int level, Visit visit) {
    Dwarf_Die die;
    if (level > deepest || dwarf_child(&parent, &die) != 0) return;
    do {
      const Dwarf_Off offset = dwarf_dieoffset(&die);
      if (offset <= reached_) return;
      reached_ = offset;
      if (!visit(die)) return;
    } while (dwarf_siblingof(&die, &die) == 0);
  }

  void function(Dwarf_Die& die, int level) {
    Members members;
    for_each_range(die, [&](std::uint64_t start, std::uint64_t end) {
      auto it = std::lower_bound(addresses_.begin(), addresses_.end(), start);
      for (; it != addresses_.end() && *it < end; ++it) {
        members.push_back(static_cast<std::uint32_t>(it - addresses_.begin()));
      }
    });
    const std::uint32_t scope = claim(die, kNoScope, members);
    missing_ -= members.size();
    if (!members.empty()) scopes_below(die, level + 1, scope, members);
  }

  // What lies in the scope `outer`, at the addresses in `around`.
  void scopes_below(Dwarf_Die& parent, int level, std::uint32_t outer, const Members& around) {
    for_each_child(parent, level, [&](Dwarf_Die& die) {
      const int tag = dwarf_tag(&die);
      if (tag == DW_TAG_inlined_subroutine) {
        Members members = inside(die, around);
        const std::uint32_t scope = claim(die, outer, members);
        if (!members.empty()) scopes_below(die, level + 1, scope, members);
      } else if (tag == DW_TAG_lexical_block) {
        const Members members = inside(die, around);
        if (!members.empty()) scopes_below(die, level + 1, outer, members);
      } else if (tag == DW_TAG_subprogram) {
        function(die, level);  // a function within a function has its own code
      }
      return true;
    });
  }

  // Those of `around` that lie in the ranges of the DIE.
  Members inside(Dwarf_Die& die, const Members& around) {
    Members members;
    for_each_range(die, [&](std::uint64_t start, std::uint64_t end) {
      auto it =
          std::lower_bound(around.begin(), around.end(), start,
                           [&](std::uint32_t i, std::uint64_t a) { return addresses_[i] < a; });
      for (; it != around.end() && addresses_[*it] < end; ++it) members.push_back(*it);
    });
    std::sort(members.begin(), members.end());
    members.erase(std::unique(members.begin(), members.end()), members.end());
    return members;
  }

  // Makes the DIE the innermost scope of those of `members` that are in `outer` until now, and
  // leaves only their addresses in `members`, sorted. The new scope's index.
  std::uint32_t claim(const Dwarf_Die& die, std::uint32_t outer, Members& members) {
    const auto scope = static_cast<std::uint32_t>(tree_.scopes.size());
    std::sort(members.begin(), members.end());
    std::size_t kept = 0;
    for (const std::uint32_t i : members) {
      if (tree_.innermost[i] != outer) continue;
      tree_.innermost[i] = scope;
      members[kept++] = i;
    }
    members.resize(kept);
    if (kept != 0) tree_.scopes.push_back({die, outer});
    return scope;
  }

  template <class Visit>
  static void for_each_range(Dwarf_Die& die, Visit visit) {
    Dwarf_Addr base = 0;
    Dwarf_Addr start = 0;
    Dwarf_Addr end = 0;
    for (std::ptrdiff_t at = 0; (at = dwarf_ranges(&die, at, &base, &start, &end)) > 0;) {
      if (start < end) visit(start, end);
    }
  }

  std::span<const std::uint64_t> addresses_;
  ScopeTree tree_;
  std::size_t missing_;  // addresses that have no function yet
  Dwarf_Off reached_ = 0;
};

}  // namespace

ScopeTree find_scopes(Dwarf_Die unit, std::span<const std::uint64_t> addresses) {
  Walk walk(addresses);
  walk.functions_below(unit, 0);
  return walk.take();
}

std::string function_name(Dwarf_Die& function) {
  Dwarf_Attribute attribute;
  const char* mangled =
      dwarf_formstring(dwarf_attr_integrate(&function, DW_AT_linkage_name, &attribute));
  // Only what is mangled: "i" is the name of a function here, but a type to the demangler.
  if (mangled != nullptr && std::string_view(mangled).starts_with("_Z")) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> name(
        abi::__cxa_demangle(mangled, nullptr, nullptr, &status), &std::free);
    if (name != nullptr) return name.get();
  }
  const char* name = dwarf_diename(&function);
  return name != nullptr ? name : mangled != nullptr ? mangled : "";
}

}  // namespace kcov::symbol
