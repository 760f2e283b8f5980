// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The code symbols of an image, sorted by address, and which of them contains an address.
#pragma once

#include <libelf.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace kcov::symbol {

class ElfSymbols {
 public:
  static constexpr std::uint8_t kSized = 8;  // in a rank

  struct Symbol {
    std::uint64_t start;
    std::uint64_t end;      // first address beyond it
    const char* name;       // in the ELF's own memory
    std::uint32_t section;  // index of the section it is in
    std::uint8_t rank;      // among symbols of the same start the highest is preferred

    // False of a label, whose end is where something else begins.
    bool is_sized() const { return (rank & kSized) != 0; }
  };

  // Reads .symtab, or where that was stripped .dynsym. The ELF must outlive this.
  explicit ElfSymbols(Elf* elf);

  // The symbol that contains the address, or null. `near`: the answer for an address just below, if
  // there is one: then this is found without a search.
  const Symbol* find(std::uint64_t address, const Symbol* near = nullptr) const;

  // One for each start, ascending.
  std::span<const Symbol> all() const { return symbols_; }

 private:
  std::vector<Symbol> symbols_;
};

}  // namespace kcov::symbol
