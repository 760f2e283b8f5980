// SPDX-License-Identifier: GPL-2.0-only OR MIT
//
// The symbol table tells of code, the debug information of the rest. All units are walked at
// their top level, for functions of that name; only those that have one are walked whole, for the
// places where it was inlined. (A compiler that inlines across units, as with LTO, names a function
// of another unit there: those places are not found.)
#include "symbol/function_search.hpp"

#include <dwarf.h>
#include <gelf.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "symbol/source_path.hpp"
#include "symbol/symbol_table.hpp"

namespace kcov::symbol {
namespace {

constexpr int kDeepest = 512;  // levels of DIEs; gcc's deepest in a kernel are about 60
constexpr std::size_t kMostSimilar = 5;
constexpr std::size_t kMostTypingErrors = 2;
// Of fewer letters anything is made by so many errors.
constexpr std::size_t kTooShort = 5;

// The linker puts these sections into .text; symbols tell from where to where.
constexpr std::string_view kRegions[] = {"noinstr", "entry", "cpuidle"};

bool is_variant_of(std::string_view symbol, std::string_view name) {
  return symbol.starts_with(name) && (symbol.size() == name.size() || symbol[name.size()] == '.');
}

std::string unit_name(Dwarf_Die& unit) {
  const char* const text = dwarf_diename(&unit);
  std::string name = text != nullptr ? text : "";
  Dwarf_Attribute attribute;
  const char* const directory = dwarf_formstring(dwarf_attr(&unit, DW_AT_comp_dir, &attribute));
  if (directory != nullptr && name.starts_with(std::string(directory) + "/"))
    name.erase(0, std::string_view(directory).size() + 1);
  while (name.starts_with("./")) name.erase(0, 2);
  return name;
}

template <class Visit>
void for_each_range(Dwarf_Die& die, Visit visit) {
  Dwarf_Addr base = 0;
  Dwarf_Addr start = 0;
  Dwarf_Addr end = 0;
  for (std::ptrdiff_t at = 0; (at = dwarf_ranges(&die, at, &base, &start, &end)) > 0;)
    if (start < end) visit(start, end);
}

class Search {
 public:
  Search(FunctionReport& report, const CallbackCalls& calls, std::string_view name)
      : report_(report), calls_(calls), name_(name) {}

  void unit(Dwarf_Die& die) {
    origins_.clear();
    reached_ = 0;
    for_each_child(die, [&](Dwarf_Die& child) {
      if (dwarf_tag(&child) == DW_TAG_subprogram && is_named(child)) note(child, die);
    });
    if (origins_.empty()) return;
    std::sort(origins_.begin(), origins_.end());
    unit_name_ = unit_name(die);
    reached_ = 0;
    for_each_child(die, [&](Dwarf_Die& child) {
      if (dwarf_tag(&child) == DW_TAG_subprogram) inlined_below(child, child, 1);
    });
  }

  void finish() {
    for (auto& [where, inlining] : inlinings_) report_.inlinings.push_back(std::move(inlining));
  }

 private:
  // In a damaged tree, where one points back, the walk ends.
  template <class Visit>
  void for_each_child(Dwarf_Die& parent, Visit visit) {
    Dwarf_Die die;
    if (dwarf_child(&parent, &die) != 0) return;
    do {
      const Dwarf_Off offset = dwarf_dieoffset(&die);
      if (offset <= reached_) return;
      reached_ = offset;
      visit(die);
    } while (dwarf_siblingof(&die, &die) == 0);
  }

  bool is_named(Dwarf_Die& die) const {
    const char* const name = dwarf_diename(&die);
    return name != nullptr && name_ == name;
  }

  void note(Dwarf_Die& die, Dwarf_Die& unit) {
    if (dwarf_hasattr(&die, DW_AT_declaration) != 0) return;
    origins_.push_back(dwarf_dieoffset(&die));
    const char* const file = dwarf_decl_file(&die);
    FunctionDefinition definition;
    dwarf_decl_line(&die, &definition.line);
    if (file == nullptr) return;
    Dwarf_Attribute attribute;
    const char* const directory = dwarf_formstring(dwarf_attr(&unit, DW_AT_comp_dir, &attribute));
    definition.file = source_path(file, directory != nullptr ? directory : "");
    definition.unit = unit_name(unit);
    const bool known =
        std::any_of(report_.definitions.begin(), report_.definitions.end(), [&](const auto& one) {
          return one.file == definition.file && one.line == definition.line;
        });
    if (!known) report_.definitions.push_back(std::move(definition));
  }

  void inlined_below(Dwarf_Die& parent, Dwarf_Die& function, int level) {
    if (level > kDeepest) return;
    for_each_child(parent, [&](Dwarf_Die& die) {
      const int tag = dwarf_tag(&die);
      if (tag == DW_TAG_inlined_subroutine && is_ours(die)) add(die, function);
      if (tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block)
        inlined_below(die, function, level + 1);
      if (tag == DW_TAG_subprogram) inlined_below(die, die, level + 1);
    });
  }

  bool is_ours(Dwarf_Die& die) const {
    Dwarf_Attribute attribute;
    Dwarf_Die origin;
    return dwarf_formref_die(dwarf_attr(&die, DW_AT_abstract_origin, &attribute), &origin) !=
               nullptr &&
           std::binary_search(origins_.begin(), origins_.end(), dwarf_dieoffset(&origin));
  }

  void add(Dwarf_Die& die, Dwarf_Die& function) {
    const char* const name = dwarf_diename(&function);
    // A function that was inlined everywhere has an abstract tree, without code.
    std::size_t code = 0;
    std::size_t caller_calls = 0;
    for_each_range(function, [&](std::uint64_t start, std::uint64_t end) {
      code += end - start;
      caller_calls += calls_.calls(start, end);
    });
    // One that was split calls its own other half.
    if (code == 0 || name == nullptr || name_ == name) return;
    FunctionInlining& one = inlinings_[{unit_name_, dwarf_dieoffset(&function)}];
    one.into = name;
    one.unit = unit_name_;
    one.caller_calls = caller_calls;
    ++one.times;
    for_each_range(die, [&](std::uint64_t start, std::uint64_t end) {
      one.calls += calls_.calls(start, end);
    });
  }

  FunctionReport& report_;
  const CallbackCalls& calls_;
  std::string_view name_;
  std::string unit_name_;
  std::vector<Dwarf_Off> origins_;
  std::map<std::pair<std::string, Dwarf_Off>, FunctionInlining> inlinings_;
  Dwarf_Off reached_ = 0;
};

// From where to where a section of the kernel's sources lies in .text.
struct Region {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
};

std::string section_name(Elf* elf, std::size_t index) {
  std::size_t names = 0;
  GElf_Shdr header;
  Elf_Scn* const section = elf_getscn(elf, index);
  if (section == nullptr || gelf_getshdr(section, &header) == nullptr ||
      elf_getshdrstrndx(elf, &names) != 0) {
    return {};
  }
  const char* const name = elf_strptr(elf, names, header.sh_name);
  return name != nullptr ? name : "";
}

bool is_code(Elf* elf, const GElf_Sym& entry) {
  GElf_Shdr header;
  Elf_Scn* const section = elf_getscn(elf, entry.st_shndx);
  const unsigned type = GELF_ST_TYPE(entry.st_info);
  return (type == STT_FUNC || type == STT_NOTYPE || type == STT_GNU_IFUNC) && section != nullptr &&
         gelf_getshdr(section, &header) != nullptr && (header.sh_flags & SHF_EXECINSTR) != 0;
}

void find_copies(Elf* elf, const CallbackCalls& calls, std::string_view name,
                 FunctionReport& report) {
  Region regions[std::size(kRegions)];
  for_each_symbol(elf, [&](std::string_view symbol, const GElf_Sym& entry) {
    for (std::size_t i = 0; i < std::size(kRegions); ++i) {
      const std::string stem = "__" + std::string(kRegions[i]) + "_text_";
      if (symbol == stem + "start") regions[i].start = entry.st_value;
      if (symbol == stem + "end") regions[i].end = entry.st_value;
    }
    if (!is_variant_of(symbol, name) || entry.st_shndx == SHN_UNDEF || !is_code(elf, entry)) return;
    FunctionCopy copy;
    copy.symbol = symbol;
    copy.address = entry.st_value;
    copy.size = entry.st_size;
    copy.region = section_name(elf, entry.st_shndx);
    const std::uint64_t end = copy.address + copy.size;
    copy.calls = calls.calls(copy.address, end);
    copy.comparisons = calls.comparisons(copy.address, end);
    report.copies.push_back(std::move(copy));
  });
  for (FunctionCopy& copy : report.copies)
    for (std::size_t i = 0; i < std::size(kRegions); ++i)
      if (copy.address >= regions[i].start && copy.address < regions[i].end)
        copy.region = "." + std::string(kRegions[i]) + ".text";
}

// How many letters were left out, added, changed or swapped with the next one. Of long names only
// the beginning counts.
std::size_t typing_errors(std::string_view wanted, std::string_view found) {
  constexpr std::size_t kLongest = 64;
  const std::size_t columns = std::min(found.size(), kLongest);
  std::array<std::size_t, kLongest + 1> rows[3] = {};  // the one before the last, the last, this
  for (std::size_t j = 0; j <= columns; ++j) rows[1][j] = j;
  for (std::size_t i = 1; i <= std::min(wanted.size(), kLongest); ++i) {
    auto& [before, last, now] = rows;
    now[0] = i;
    for (std::size_t j = 1; j <= columns; ++j) {
      const bool is_same = wanted[i - 1] == found[j - 1];
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (is_same ? 0 : 1)});
      const bool is_swapped =
          i > 1 && j > 1 && wanted[i - 1] == found[j - 2] && wanted[i - 2] == found[j - 1];
      if (is_swapped) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before = last;
    last = now;
  }
  return rows[1][columns];
}

void find_similar(Elf* elf, std::string_view name, FunctionReport& report) {
  std::set<std::pair<std::size_t, std::string_view>> found;  // the likest first
  for_each_symbol(elf, [&](std::string_view symbol, const GElf_Sym& entry) {
    if (GELF_ST_TYPE(entry.st_info) != STT_FUNC || entry.st_shndx == SHN_UNDEF) return;
    if (symbol.starts_with("__pfx_")) return;
    const bool contains = symbol.find(name) != std::string_view::npos;
    const std::size_t errors = typing_errors(name, symbol);
    if (contains || (errors <= kMostTypingErrors && name.size() > kTooShort))
      found.emplace(errors, symbol);
  });
  for (const auto& [errors, symbol] : found) {
    if (report.similar.size() == kMostSimilar) break;
    report.similar.emplace_back(symbol);
  }
}

}  // namespace

FunctionReport search_function(Elf* elf, Dwarf* dwarf, UnitMap& units, const CallbackCalls& calls,
                               std::string_view name) {
  FunctionReport report;
  report.has_debug_info = dwarf != nullptr;
  report.by_address = calls.by_address();
  find_copies(elf, calls, name, report);
  if (dwarf != nullptr) {
    for (FunctionCopy& copy : report.copies) {
      Dwarf_Die unit;
      const Dwarf_Off offset = units.find(copy.address);
      if (offset == UnitMap::none || dwarf_offdie(dwarf, offset, &unit) == nullptr) continue;
      copy.unit = unit_name(unit);
      copy.is_assembly = dwarf_srclang(&unit) == DW_LANG_Mips_Assembler;
    }
    Search search(report, calls, name);
    Dwarf_CU* unit = nullptr;
    Dwarf_Off last = 0;
    Dwarf_Die die;
    Dwarf_Die split;
    while (dwarf_get_units(dwarf, unit, &unit, nullptr, nullptr, &die, &split) == 0) {
      const Dwarf_Off offset = dwarf_dieoffset(&die);
      if (offset <= last) break;  // damaged: going round in circles
      last = offset;
      // With -gsplit-dwarf the functions are in another file, which libdw finds for us.
      search.unit(split.addr != nullptr && dwarf_tag(&die) == DW_TAG_skeleton_unit ? split : die);
    }
    search.finish();
  }
  if (report.copies.empty() && report.inlinings.empty()) find_similar(elf, name, report);
  return report;
}

}  // namespace kcov::symbol
