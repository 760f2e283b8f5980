// SPDX-License-Identifier: GPL-2.0-only OR MIT
//
// Compilers give each function a size; assembly often does not. So:
//
//   - a symbol with a size contains exactly [value, value + size);
//   - one without, if it is of no type (a label), reaches to the next symbol or to the end
//     of its section, whichever comes first, unless it lies inside a sized symbol: then
//     it is a label in the middle of a function, and the function keeps its name.
//
// After that no two symbols overlap except functions that really do, and an address is
// found by one binary search. Aliases (same start) are reduced to one: functions before
// labels, then global before weak before local, then the first in the table.
#include "symbol/elf_symbols.hpp"

#include <gelf.h>

#include <algorithm>

#include "symbol/symbol_table.hpp"

namespace kcov::symbol {
namespace {

struct Section {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  bool code = false;
};

std::vector<Section> read_sections(Elf* elf) {
  std::size_t count = 0;
  if (elf_getshdrnum(elf, &count) != 0) return {};
  std::vector<Section> sections(count);
  for (Elf_Scn* scn = nullptr; (scn = elf_nextscn(elf, scn)) != nullptr;) {
    GElf_Shdr header;
    const std::size_t index = elf_ndxscn(scn);
    if (index >= count || gelf_getshdr(scn, &header) == nullptr) continue;
    sections[index] = {
        header.sh_addr, header.sh_addr + header.sh_size,
        (header.sh_flags & SHF_ALLOC) != 0 && (header.sh_flags & SHF_EXECINSTR) != 0};
  }
  return sections;
}

std::uint8_t rank_of(unsigned type, unsigned binding, bool sized) {
  const int by_binding = binding == STB_GLOBAL ? 2 : binding == STB_WEAK ? 1 : 0;
  return static_cast<std::uint8_t>((sized ? ElfSymbols::kSized : 0) + (type == STT_NOTYPE ? 0 : 4) +
                                   by_binding);
}

// Labels get their end, or go: see the head of this file.
void end_labels(std::vector<ElfSymbols::Symbol>& symbols, const std::vector<Section>& sections) {
  std::uint64_t covered = 0;  // the furthest end of any sized symbol so far
  std::size_t kept = 0;
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    ElfSymbols::Symbol symbol = symbols[i];
    if (symbol.end == symbol.start) {
      if (symbol.start < covered) continue;
      symbol.end = sections[symbol.section].end;
      if (i + 1 < symbols.size()) symbol.end = std::min(symbol.end, symbols[i + 1].start);
    } else {
      covered = std::max(covered, symbol.end);
    }
    symbols[kept++] = symbol;
  }
  symbols.resize(kept);
}

}  // namespace

ElfSymbols::ElfSymbols(Elf* elf) {
  const std::vector<Section> sections = read_sections(elf);
  for_each_symbol(elf, [&](const char* name, const GElf_Sym& entry) {
    const unsigned type = GELF_ST_TYPE(entry.st_info);
    if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE) return;
    if (entry.st_shndx >= sections.size() || !sections[entry.st_shndx].code) return;
    const Section& section = sections[entry.st_shndx];
    if (entry.st_value < section.start || entry.st_value >= section.end) return;
    if (*name == '$') return;  // "$x": ARM's mapping symbols
    const std::uint64_t size = std::min(entry.st_size, section.end - entry.st_value);
    symbols_.push_back({entry.st_value, entry.st_value + size, name, entry.st_shndx,
                        rank_of(type, GELF_ST_BIND(entry.st_info), size != 0)});
  });

  std::stable_sort(symbols_.begin(), symbols_.end(), [](const Symbol& a, const Symbol& b) {
    return a.start != b.start ? a.start < b.start : a.rank > b.rank;
  });
  const auto same_start = [](const Symbol& a, const Symbol& b) { return a.start == b.start; };
  symbols_.erase(std::unique(symbols_.begin(), symbols_.end(), same_start), symbols_.end());
  end_labels(symbols_, sections);
}

const ElfSymbols::Symbol* ElfSymbols::find(std::uint64_t address, const Symbol* near) const {
  if (near != nullptr && near->start <= address) {
    const Symbol* const end = symbols_.data() + symbols_.size();
    for (const Symbol* at = near; at != end && at <= near + 1; ++at)
      if (at->start <= address && address < at->end && (at + 1 == end || address < at[1].start))
        return at;
  }
  auto it =
      std::upper_bound(symbols_.begin(), symbols_.end(), address,
                       [](std::uint64_t a, const Symbol& symbol) { return a < symbol.start; });
  // A function inside another ends before it: then the one around it is some places
  // earlier. Real images nest one deep, if at all.
  constexpr int furthest_back = 8;
  for (int back = 0; back < furthest_back && it != symbols_.begin(); ++back) {
    --it;
    if (address < it->end) return &*it;
  }
  return nullptr;
}

}  // namespace kcov::symbol
