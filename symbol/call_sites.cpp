// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "symbol/call_sites.hpp"

#include <elf.h>
#include <gelf.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "symbol/symbol_table.hpp"

namespace kcov::symbol {
namespace {

// call *%rax to call *%rdi are ff d0 to ff d7, with a prefix of 41 those of r8 to r15;
// call *disp32(%rip) is ff 15; call rel32 is e8.
constexpr std::size_t kDirectCall = 5;
constexpr std::size_t kTableCall = 6;

bool is_callback(std::string_view name) { return name.starts_with("__sanitizer_cov_"); }

}  // namespace

CallSites::CallSites(Elf* elf) {
  GElf_Ehdr header;
  is_x86_64_ = gelf_getehdr(elf, &header) != nullptr && header.e_machine == EM_X86_64;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr shape;
    if (gelf_getshdr(section, &shape) == nullptr || shape.sh_type != SHT_PROGBITS ||
        (shape.sh_flags & SHF_EXECINSTR) == 0) {
      continue;
    }
    const Elf_Data* const data = elf_rawdata(section, nullptr);
    if (data == nullptr || data->d_buf == nullptr) continue;
    code_.push_back(
        {shape.sh_addr, {static_cast<const unsigned char*>(data->d_buf), data->d_size}});
  }
  if (is_x86_64_) find_jumps(elf);
}

void CallSites::find_jumps(Elf* elf) {
  std::uint64_t lowest = ~std::uint64_t{0};
  std::uint64_t highest = 0;
  std::vector<std::uint64_t> callbacks;
  for_each_symbol(elf, [&](const char* name, const GElf_Sym& entry) {
    if (entry.st_shndx == SHN_UNDEF || !is_callback(name)) return;
    callbacks.push_back(entry.st_value);
    lowest = std::min(lowest, entry.st_value);
    highest = std::max(highest, entry.st_value);
  });
  for (const Code& code : code_) {
    for (std::size_t i = 0; i + kDirectCall <= code.bytes.size(); ++i) {
      if (code.bytes[i] != 0xe9) continue;
      std::int32_t distance;
      std::memcpy(&distance, &code.bytes[i + 1], sizeof distance);
      const std::uint64_t target =
          code.start + i + kDirectCall + static_cast<std::uint64_t>(std::int64_t{distance});
      if (target < lowest || target > highest) continue;
      if (std::find(callbacks.begin(), callbacks.end(), target) != callbacks.end())
        jumps_.push_back(code.start + i);
    }
  }
  std::sort(jumps_.begin(), jumps_.end());
}

bool CallSites::ends_in_callback(const ElfSymbols::Symbol& function) const {
  const auto jump = std::lower_bound(jumps_.begin(), jumps_.end(), function.start);
  return jump != jumps_.end() && *jump < function.end;
}

bool CallSites::may_return_to(std::uint64_t pc, const ElfSymbols& symbols) const {
  if (!is_x86_64_) return true;
  const auto code = std::find_if(code_.begin(), code_.end(), [pc](const Code& candidate) {
    return pc > candidate.start && pc - candidate.start <= candidate.bytes.size();
  });
  if (code == code_.end()) return false;
  const std::span<const unsigned char> before = code->bytes.first(pc - code->start);
  const auto back = [&](std::size_t bytes) { return before[before.size() - bytes]; };
  if (before.size() >= 2 && back(2) == 0xff && (back(1) & 0xf8) == 0xd0) return true;
  if (before.size() >= kTableCall && back(6) == 0xff && back(5) == 0x15) return true;
  if (before.size() < kDirectCall || back(5) != 0xe8) return false;
  std::int32_t distance;
  std::memcpy(&distance, &before[before.size() - 4], sizeof distance);
  const ElfSymbols::Symbol* const callee =
      symbols.find(pc + static_cast<std::uint64_t>(std::int64_t{distance}));
  return callee == nullptr || is_callback(callee->name) || ends_in_callback(*callee);
}

}  // namespace kcov::symbol
