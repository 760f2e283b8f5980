// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "symbol/call_sites.hpp"

#include <elf.h>
#include <gelf.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "symbol/symbol_table.hpp"

namespace kcov::symbol {
namespace {

// call rel32 is e8.
constexpr std::size_t kDirectCall = 5;
constexpr int kDirectJump = 5;  // jmp rel32 is e9

// call *%rax is ff d0, call *8(%rax) ff 50 08, call *disp32(%rip) ff 15 and four bytes; a prefix
// may stand before it. `length`: of it, from the ff on; `mode`: the byte behind that.
constexpr std::size_t kLongestIndirectCall = 7;
bool is_indirect_call(unsigned char mode, std::size_t length) {
  if ((mode & 0x38) != 0x10) return false;
  const unsigned base = mode & 7;
  switch (mode >> 6) {
    case 0: return length == (base == 5 ? 6u : base == 4 ? 3u : 2u);
    case 1: return length == (base == 4 ? 4u : 3u);
    case 2: return length == (base == 4 ? 7u : 6u);
    default: return length == 2;
  }
}

bool ends_with_direct_call(std::span<const unsigned char> code) {
  return code.size() >= kDirectCall && code[code.size() - kDirectCall] == 0xe8;
}
bool ends_with_indirect_call(std::span<const unsigned char> code) {
  const auto back = [&](std::size_t bytes) { return code[code.size() - bytes]; };
  for (std::size_t length = 2; length <= kLongestIndirectCall && length <= code.size(); ++length)
    if (back(length) == 0xff && is_indirect_call(back(length - 1), length)) return true;
  return false;
}

bool is_callback(std::string_view name) { return name.starts_with("__sanitizer_cov_"); }

}  // namespace

CallSites::CallSites(Elf* elf, Elf* with_symbols, const ElfSymbols& symbols)
    : is_x86_64_(symbol::is_x86_64(elf)), code_(code_of(elf)) {
  if (is_x86_64_) find_jumps(with_symbols, symbols);
}

void CallSites::find_jumps(Elf* with_symbols, const ElfSymbols& symbols) {
  std::unordered_set<std::uint64_t> ends;  // what a jump to leads to a callback
  for_each_symbol(with_symbols, [&](const char* name, const GElf_Sym& entry) {
    if (entry.st_shndx != SHN_UNDEF && is_callback(name)) ends.insert(entry.st_value);
  });
  // Whatever looks like a jump: what it leads to tells the others apart.
  struct Jump {
    std::uint64_t at;
    std::uint64_t target;
  };
  std::vector<Jump> jumps;
  for (const Code& code : code_) {
    const unsigned char* const end = code.bytes.data() + code.bytes.size();
    for (const unsigned char* at = code.bytes.data(); end - at > kDirectJump; ++at) {
      at = static_cast<const unsigned char*>(
          std::memchr(at, 0xe9, static_cast<std::size_t>(end - at - kDirectJump + 1)));
      if (at == nullptr) break;
      std::int32_t distance;
      std::memcpy(&distance, at + 1, sizeof distance);
      const std::uint64_t address = code.start + static_cast<std::uint64_t>(at - code.bytes.data());
      jumps.push_back(
          {address, address + kDirectJump + static_cast<std::uint64_t>(std::int64_t{distance})});
    }
  }
  // Those of the callbacks first, then those of the functions that were found so.
  for (std::size_t before = ~std::size_t{0}; before != ends.size();) {
    before = ends.size();
    std::erase_if(jumps, [&](const Jump& jump) {
      if (!ends.contains(jump.target)) return false;
      const ElfSymbols::Symbol* const function = symbols.find(jump.at);
      // Within one it is a loop.
      if (function != nullptr && function->start != jump.target) ends.insert(function->start);
      return true;
    });
  }
  ends_in_callback_ = std::move(ends);
}

bool CallSites::leads_to_callback(std::uint64_t callee, const ElfSymbols& symbols) const {
  const ElfSymbols::Symbol* const function = symbols.find(callee);
  return function == nullptr || is_callback(function->name) ||
         ends_in_callback_.contains(function->start);
}

std::span<const unsigned char> CallSites::before(std::uint64_t pc) const {
  const auto code = std::find_if(code_.begin(), code_.end(), [pc](const Code& candidate) {
    return pc > candidate.start && pc - candidate.start <= candidate.bytes.size();
  });
  if (code == code_.end()) return {};
  return code->bytes.first(pc - code->start);
}

bool CallSites::is_behind_call(std::uint64_t pc) const {
  if (!is_x86_64_) return true;
  const std::span<const unsigned char> code = before(pc);
  return ends_with_direct_call(code) || ends_with_indirect_call(code);
}

bool CallSites::may_return_to(std::uint64_t pc, const ElfSymbols& symbols) {
  if (!is_x86_64_) return true;
  const std::span<const unsigned char> code = before(pc);
  if (ends_with_indirect_call(code)) return true;
  if (!ends_with_direct_call(code)) return false;
  std::int32_t distance;
  std::memcpy(&distance, &code[code.size() - sizeof distance], sizeof distance);
  const std::uint64_t callee = pc + static_cast<std::uint64_t>(std::int64_t{distance});
  Callee& recent = recent_[(callee >> 4) % recent_.size()];
  if (recent.address != callee) recent = {callee, leads_to_callback(callee, symbols)};
  return recent.leads_to_callback;
}

}  // namespace kcov::symbol
