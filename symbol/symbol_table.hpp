// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The entries of an image's symbol table, as they stand there.
#pragma once

#include <gelf.h>
#include <libelf.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kcov::symbol {

// Calls visit(name, entry) for each symbol with a name: those of .symtab, or where that was
// stripped of .dynsym.
template <class Visit>
void for_each_symbol(Elf* elf, Visit visit) {
  const auto find_table = [elf](std::uint32_t type) -> Elf_Scn* {
    for (Elf_Scn* scn = nullptr; (scn = elf_nextscn(elf, scn)) != nullptr;) {
      GElf_Shdr header;
      if (gelf_getshdr(scn, &header) != nullptr && header.sh_type == type) return scn;
    }
    return nullptr;
  };
  Elf_Scn* table = find_table(SHT_SYMTAB);
  if (table == nullptr) table = find_table(SHT_DYNSYM);
  GElf_Shdr header;
  if (table == nullptr || gelf_getshdr(table, &header) == nullptr) return;
  Elf_Data* const data = elf_getdata(table, nullptr);
  if (data == nullptr || header.sh_entsize == 0) return;
  const std::size_t count = data->d_size / header.sh_entsize;
  for (std::size_t i = 1; i < count; ++i) {
    GElf_Sym entry;
    if (gelf_getsym(data, static_cast<int>(i), &entry) == nullptr) break;
    const char* const name = elf_strptr(elf, header.sh_link, entry.st_name);
    if (name != nullptr && *name != '\0') visit(name, entry);
  }
}

// Where the symbol of that name lies; none: there is none, or it is another image's.
inline std::optional<std::uint64_t> find_symbol(Elf* elf, std::string_view name) {
  std::optional<std::uint64_t> found;
  for_each_symbol(elf, [&](const char* one, const GElf_Sym& entry) {
    if (entry.st_shndx != SHN_UNDEF && name == one) found = entry.st_value;
  });
  return found;
}

}  // namespace kcov::symbol
