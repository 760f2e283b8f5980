// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "symbol/debug_info.hpp"

#include <dwarf.h>

#include <string_view>
#include <vector>

#include "symbol/function_tree.hpp"
#include "symbol/line_table.hpp"

namespace kcov::symbol {
namespace {

int integer_attribute(Dwarf_Die& die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  dwarf_formudata(dwarf_attr(&die, name, &attribute), &value);
  return static_cast<int>(value);
}

Dwarf* open_dwarf(Elf* elf) {
  Dwarf* opened = dwarf_begin_elf(elf, DWARF_C_READ, nullptr);
  // Unwind tables alone are enough for libdw to say yes.
  Dwarf_CU* first = nullptr;
  if (opened != nullptr &&
      dwarf_get_units(opened, nullptr, &first, nullptr, nullptr, nullptr, nullptr) != 0) {
    dwarf_end(opened);
    opened = nullptr;
  }
  return opened;
}

// What the frames of a scope are made of.
struct ScopeNames {
  std::string_view function;
  std::string_view declared_in;
  std::string_view call_file;  // of the call that was inlined
  int call_line = 0;
};

// Empty where it is not known, or told by another unit's numbers.
std::string_view declaring_file(Dwarf_Die& function, LineTable& lines) {
  Dwarf_Attribute attribute;
  Dwarf_Word number = 0;
  if (dwarf_attr_integrate(&function, DW_AT_decl_file, &attribute) == nullptr ||
      attribute.cu != function.cu || dwarf_formudata(&attribute, &number) != 0)
    return {};
  return lines.file(number);
}

std::vector<ScopeNames> names_of(std::vector<Scope>& scopes, LineTable& lines, Names& names) {
  std::vector<ScopeNames> all;
  all.reserve(scopes.size());
  for (Scope& scope : scopes) {
    ScopeNames& one = all.emplace_back();
    one.function = names.keep(function_name(scope.die));
    one.declared_in = declaring_file(scope.die, lines);
    if (scope.outer == kNoScope) continue;
    one.call_file =
        lines.file(static_cast<Dwarf_Word>(integer_attribute(scope.die, DW_AT_call_file)));
    one.call_line = integer_attribute(scope.die, DW_AT_call_line);
  }
  return all;
}

}  // namespace

DebugInfo::DebugInfo(Elf* elf)
    : dwarf_(open_dwarf(elf)),
      line_sections_(dwarf_ == nullptr ? LineSections() : LineSections(elf)) {}

void DebugInfo::answer(UnitQuestions questions, std::uint64_t back, Names& names) {
  Dwarf_Die die;
  if (dwarf_offdie(dwarf_.get(), questions.front().unit, &die) == nullptr) return;
  // With -gsplit-dwarf the functions are in another file, which libdw finds for us.
  Dwarf_Die split;
  std::uint8_t type = 0;
  const bool is_split =
      dwarf_cu_info(die.cu, nullptr, &type, nullptr, &split, nullptr, nullptr, nullptr) == 0 &&
      type == DW_UT_skeleton && split.addr != nullptr;
  const Dwarf_Die functions = is_split ? split : die;

  std::vector<std::uint64_t> addresses;
  for (const Question& question : questions) addresses.push_back(question.location->pc - back);
  ScopeTree tree = find_scopes(functions, addresses);
  LineTable lines(die, functions, line_sections_, addresses, names);
  const std::vector<ScopeNames> scope_names = names_of(tree.scopes, lines, names);

  // Names from the scopes, each line from where the next inner function was called, and the
  // innermost line from the line table.
  std::vector<Frame> frames;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    Location& location = *questions[i].location;
    LineTable::Position position = lines.find(i);
    frames.clear();
    for (std::uint32_t scope = tree.innermost[i]; scope != kNoScope;
         scope = tree.scopes[scope].outer) {
      const ScopeNames& one = scope_names[scope];
      frames.push_back({one.function, position.file, position.line,
                        tree.scopes[scope].outer != kNoScope,
                        one.declared_in == position.file ? std::string_view() : one.declared_in});
      position = {one.call_file, one.call_line};
    }
    if (frames.empty()) {  // assembly: lines, but often no functions
      if (position.file.empty()) continue;
      frames.push_back({location.symbol, position.file, position.line, false});
    } else if (frames.back().function.empty()) {
      frames.back().function = location.symbol;
    }
    location.frames = names.keep(frames);
  }
}

}  // namespace kcov::symbol
