// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "symbol/module_link.hpp"

#include <elf.h>

#include <cstring>
#include <string_view>
#include <vector>

namespace kcov::symbol {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr const char* kDamaged = "it is damaged: its sections do not fit into it";

// Reads and writes what lies in the file, and nothing else.
class Bytes {
 public:
  explicit Bytes(std::span<unsigned char> bytes) : bytes_(bytes) {}

  bool has(std::uint64_t offset, std::uint64_t size) const {
    return offset <= bytes_.size() && size <= bytes_.size() - offset;
  }
  template <typename T>
  bool read(std::uint64_t offset, T& value) const {
    if (!has(offset, sizeof value)) return false;
    std::memcpy(&value, &bytes_[offset], sizeof value);
    return true;
  }
  template <typename T>
  void write(std::uint64_t offset, const T& value) {
    if (has(offset, sizeof value)) std::memcpy(&bytes_[offset], &value, sizeof value);
  }
  // The text at `offset`, which ends before `end`.
  std::string_view text(std::uint64_t offset, std::uint64_t end) const {
    if (end > bytes_.size() || offset >= end) return {};
    const std::string_view rest(reinterpret_cast<const char*>(&bytes_[offset]), end - offset);
    return rest.substr(0, rest.find('\0'));
  }

 private:
  std::span<unsigned char> bytes_;
};

std::uint64_t aligned(std::uint64_t address, std::uint64_t alignment) {
  return alignment < 2 ? address : (address + alignment - 1) / alignment * alignment;
}

class Linker {
 public:
  Linker(std::span<unsigned char> file, ModuleCode& code) : bytes_(file), code_(code) {}

  std::string link() {
    if (std::string trouble = read_sections(); !trouble.empty()) return trouble;
    place_sections();
    if (code_.end < code_.start) return "it does not fit between that address and the highest";
    for (const Elf64_Shdr& table : sections_)
      if (table.sh_type == SHT_SYMTAB) place_symbols(table);
    for (Elf64_Shdr& relocations : sections_) {
      if (relocations.sh_type != SHT_RELA) continue;
      relocate(relocations);
      // It is done, and is not to be done again.
      relocations.sh_type = SHT_NULL;
    }
    for (std::size_t i = 0; i < sections_.size(); ++i)
      bytes_.write(header_.e_shoff + i * sizeof(Elf64_Shdr), sections_[i]);
    header_.e_type = ET_EXEC;
    bytes_.write(0, header_);
    return {};
  }

 private:
  std::string read_sections() {
    for (const std::string_view magic : {"\xfd"
                                         "7zXZ",
                                         "\x1f\x8b", "\x28\xb5\x2f\xfd"})
      if (bytes_.text(0, magic.size()) == magic) return "it is compressed; unpack it first";
    if (!bytes_.read(0, header_) || header_.e_machine != EM_X86_64 ||
        header_.e_ident[EI_CLASS] != ELFCLASS64 || header_.e_type != ET_REL)
      return "it is no kernel module for x86-64";
    if (header_.e_shnum == 0 || header_.e_shentsize != sizeof(Elf64_Shdr) ||
        !bytes_.has(header_.e_shoff, std::uint64_t{header_.e_shnum} * sizeof(Elf64_Shdr)))
      return kDamaged;
    sections_.resize(header_.e_shnum);
    for (std::size_t i = 0; i < sections_.size(); ++i)
      bytes_.read(header_.e_shoff + i * sizeof(Elf64_Shdr), sections_[i]);
    std::uint64_t tables = 0;
    for (const Elf64_Shdr& section : sections_) {
      if (section.sh_type != SHT_NOBITS && section.sh_type != SHT_NULL &&
          !bytes_.has(section.sh_offset, section.sh_size))
        return kDamaged;
      if (section.sh_type == SHT_SYMTAB || section.sh_type == SHT_RELA) tables += section.sh_size;
      if ((section.sh_flags & SHF_COMPRESSED) != 0 || name_of(section).starts_with(".zdebug"))
        return "its debug information is compressed; take it out of that with objcopy "
               "--decompress-debug-sections";
    }
    // They may lie upon each other only in a file that was made to keep us busy.
    return bytes_.has(0, tables) ? "" : kDamaged;
  }

  std::string_view name_of(const Elf64_Shdr& section) const {
    if (header_.e_shstrndx >= sections_.size()) return {};
    const Elf64_Shdr& names = sections_[header_.e_shstrndx];
    return bytes_.text(names.sh_offset + section.sh_name, names.sh_offset + names.sh_size);
  }

  void place_sections() {
    std::uint64_t other = kPage;
    code_.end = code_.start;
    for (Elf64_Shdr& section : sections_) {
      if ((section.sh_flags & SHF_ALLOC) == 0) continue;
      const bool stays =
          (section.sh_flags & SHF_EXECINSTR) != 0 && !name_of(section).starts_with(".init");
      std::uint64_t& end = stays ? code_.end : other;
      section.sh_addr = aligned(end, section.sh_addralign);
      end = section.sh_addr + section.sh_size;
    }
  }

  const Elf64_Shdr* section(std::size_t number) const {
    return number < sections_.size() ? &sections_[number] : nullptr;
  }

  void place_symbols(const Elf64_Shdr& table) {
    const Elf64_Shdr* const names = section(table.sh_link);
    // Near enough for a call, and nothing of the module's.
    std::uint64_t callback = code_.start - kPage;
    for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= table.sh_size; at += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol{};
      bytes_.read(table.sh_offset + at, symbol);
      if (symbol.st_shndx == SHN_UNDEF) {
        if (names == nullptr ||
            !bytes_.text(names->sh_offset + symbol.st_name, names->sh_offset + names->sh_size)
                 .starts_with("__sanitizer_cov_"))
          continue;
        symbol.st_shndx = SHN_ABS;
        symbol.st_value = callback++;
      } else if (const Elf64_Shdr* const in = section(symbol.st_shndx)) {
        symbol.st_value += in->sh_addr;
      }
      bytes_.write(table.sh_offset + at, symbol);
    }
  }

  void relocate(const Elf64_Shdr& relocations) {
    const Elf64_Shdr* const target = section(relocations.sh_info);
    const Elf64_Shdr* const symbols = section(relocations.sh_link);
    // In a file of debug information the code itself is not there.
    if (target == nullptr || symbols == nullptr || target->sh_type == SHT_NOBITS) return;
    for (std::uint64_t at = 0; at + sizeof(Elf64_Rela) <= relocations.sh_size;
         at += sizeof(Elf64_Rela)) {
      Elf64_Rela one{};
      bytes_.read(relocations.sh_offset + at, one);
      const std::uint64_t number = ELF64_R_SYM(one.r_info);
      Elf64_Sym symbol{};
      if (number >= symbols->sh_size / sizeof symbol ||
          !bytes_.read(symbols->sh_offset + number * sizeof symbol, symbol))
        continue;
      const std::uint64_t value = symbol.st_value + static_cast<std::uint64_t>(one.r_addend);
      const std::uint64_t from = value - (target->sh_addr + one.r_offset);
      switch (ELF64_R_TYPE(one.r_info)) {
        case R_X86_64_64: put(*target, one.r_offset, value); break;
        case R_X86_64_PC64: put(*target, one.r_offset, from); break;
        case R_X86_64_32:
        case R_X86_64_32S: put(*target, one.r_offset, static_cast<std::uint32_t>(value)); break;
        case R_X86_64_PC32:
        case R_X86_64_PLT32: put(*target, one.r_offset, static_cast<std::uint32_t>(from)); break;
        default: break;
      }
    }
  }

  template <typename T>
  void put(const Elf64_Shdr& into, std::uint64_t offset, T value) {
    if (offset <= into.sh_size && sizeof value <= into.sh_size - offset)
      bytes_.write(into.sh_offset + offset, value);
  }

  Bytes bytes_;
  ModuleCode& code_;
  Elf64_Ehdr header_{};
  std::vector<Elf64_Shdr> sections_;
};

}  // namespace

std::string link_module(std::span<unsigned char> file, ModuleCode& code) {
  return Linker(file, code).link();
}

}  // namespace kcov::symbol
