// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "symbol/callback_calls.hpp"

#include <gelf.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>

#include "symbol/elf_file.hpp"
#include "symbol/symbol_table.hpp"

namespace kcov::symbol {
namespace {

constexpr std::string_view kTrace = "__sanitizer_cov_trace_pc";

bool is_comparison(std::string_view name) {
  return name.starts_with("__sanitizer_cov_trace_cmp") ||
         name.starts_with("__sanitizer_cov_trace_const_cmp") ||
         name == "__sanitizer_cov_trace_switch";
}

using Addresses = std::vector<std::uint64_t>;

bool has(const Addresses& sorted, std::uint64_t address) {
  return !sorted.empty() && address >= sorted.front() && address <= sorted.back() &&
         std::binary_search(sorted.begin(), sorted.end(), address);
}

std::size_t count_between(const Addresses& sorted, std::uint64_t start, std::uint64_t end) {
  const auto first = std::lower_bound(sorted.begin(), sorted.end(), start);
  return static_cast<std::size_t>(std::lower_bound(first, sorted.end(), end) - first);
}

// Calls visit(address of the instruction, address that it goes to or loads, whether it loads it).
template <class Visit>
void for_each_reference(std::uint64_t start, std::span<const unsigned char> code, Visit visit) {
  constexpr std::size_t kCall = 5;   // e8 or e9, rel32
  constexpr std::size_t kLoad = 10;  // 48 or 49, b8 to bf, imm64
  for (std::size_t i = 0; i + kCall <= code.size(); ++i) {
    if (code[i] == 0xe8 || code[i] == 0xe9) {
      std::int32_t distance;
      std::memcpy(&distance, &code[i + 1], sizeof distance);
      visit(start + i, start + i + kCall + static_cast<std::uint64_t>(std::int64_t{distance}),
            false);
    } else if ((code[i] == 0x48 || code[i] == 0x49) && (code[i + 1] & 0xf8) == 0xb8 &&
               i + kLoad <= code.size()) {
      std::uint64_t address;
      std::memcpy(&address, &code[i + 2], sizeof address);
      visit(start + i, address, true);
    }
  }
}

// A part of a function that lies elsewhere, or the room before one.
bool is_part(std::string_view name) {
  return name.find(".cold") != std::string_view::npos || name.starts_with("__pfx_") ||
         name.starts_with("__cfi_");
}

}  // namespace

CallbackCalls::CallbackCalls(Elf* elf) {
  Addresses trace;
  Addresses compare;
  for_each_symbol(elf, [&](const char* name, const GElf_Sym& entry) {
    if (entry.st_shndx == SHN_UNDEF) return;
    if (name == kTrace) trace.push_back(entry.st_value);
    if (is_comparison(name)) compare.push_back(entry.st_value);
  });
  std::sort(trace.begin(), trace.end());
  std::sort(compare.begin(), compare.end());
  has_callback_ = !trace.empty();
  is_known_ = is_x86_64(elf);
  if (!is_known_ || (trace.empty() && compare.empty())) return;

  std::size_t loads = 0;
  for (const Code& code : code_of(elf)) {
    for_each_reference(code.start, code.bytes,
                       [&](std::uint64_t from, std::uint64_t to, bool is_load) {
                         if (has(trace, to)) {
                           calls_.push_back(from);
                           if (is_load) ++loads;
                         }
                         if (has(compare, to)) comparisons_.push_back(from);
                       });
  }
  by_address_ = loads > calls_.size() / 2;
  std::sort(calls_.begin(), calls_.end());
  std::sort(comparisons_.begin(), comparisons_.end());
}

std::size_t CallbackCalls::calls(std::uint64_t start, std::uint64_t end) const {
  return count_between(calls_, start, end);
}

std::size_t CallbackCalls::comparisons(std::uint64_t start, std::uint64_t end) const {
  return count_between(comparisons_, start, end);
}

Instrumentation CallbackCalls::measure(const ElfSymbols& symbols) const {
  Instrumentation all;
  all.is_known = is_known_;
  all.has_callback = has_callback_;
  all.calls = calls_.size();
  all.by_address = by_address_;
  all.comparisons = comparisons_.size();
  for (const ElfSymbols::Symbol& symbol : symbols.all()) {
    if (!symbol.is_sized() || is_part(symbol.name)) continue;
    ++all.functions;
    if (calls(symbol.start, symbol.end) != 0) ++all.instrumented;
  }
  return all;
}

}  // namespace kcov::symbol
