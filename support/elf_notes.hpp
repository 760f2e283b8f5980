// SPDX-License-Identifier: GPL-2.0-only OR MIT
// ELF notes, as /sys/kernel/notes has those of the running kernel.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace kcov {

// The build-id among them, lower-case hexadecimal; empty: there is none.
inline std::string build_id_in_notes(std::string_view notes) {
  const auto padded = [](std::size_t bytes) { return (bytes + 3) & ~std::size_t{3}; };
  for (std::size_t at = 0; notes.size() - at >= sizeof(Elf64_Nhdr);) {
    Elf64_Nhdr note;
    std::memcpy(&note, &notes[at], sizeof note);
    const std::size_t name = at + sizeof note;
    const std::size_t contents = name + padded(note.n_namesz);
    at = contents + padded(note.n_descsz);
    if (at > notes.size()) break;
    if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof ELF_NOTE_GNU ||
        std::memcmp(&notes[name], ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) != 0)
      continue;
    std::string id;
    for (std::size_t i = 0; i < note.n_descsz; ++i) {
      const auto byte = static_cast<unsigned char>(notes[contents + i]);
      id += "0123456789abcdef"[byte >> 4];
      id += "0123456789abcdef"[byte & 15];
    }
    return id;
  }
  return {};
}

}  // namespace kcov
