// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "symbol/callback_calls.hpp"

#include <Zydis/Zydis.h>
#include <gelf.h>

#include <algorithm>
#include <cstring>
#include <optional>
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

// An instruction with a whole address in it.
struct Reference {
  enum class Kind { call, jump, load } kind;  // call or jmp rel32; mov imm64, which a call follows
  std::uint64_t at;                           // of the instruction, and
  std::uint64_t end;                          // behind it
  std::uint64_t to;
};

class Decoder {
 public:
  Decoder() {
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisDecoderEnableMode(&decoder_, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE);
  }

  // Calls visit(reference) for each in the code of one function.
  template <class Visit>
  void for_each_reference(std::uint64_t start, std::span<const unsigned char> code,
                          Visit visit) const {
    for (std::size_t at = 0; at < code.size();) {
      ZydisDecodedInstruction instruction;
      // What is no code, a table between functions perhaps, is stepped over.
      if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder_, nullptr, &code[at],
                                                      code.size() - at, &instruction))) {
        ++at;
        continue;
      }
      const std::span<const unsigned char> bytes = code.subspan(at, instruction.length);
      const std::uint64_t address = start + at;
      at += instruction.length;
      if (const std::optional<Reference> found = reference(address, bytes)) visit(*found);
    }
  }

 private:
  static std::optional<Reference> reference(std::uint64_t at,
                                            std::span<const unsigned char> bytes) {
    const std::uint64_t end = at + bytes.size();
    // e8 or e9, rel32
    if (bytes.size() == 5 && (bytes[0] & 0xfe) == 0xe8) {
      std::int32_t distance;
      std::memcpy(&distance, &bytes[1], sizeof distance);
      return Reference{bytes[0] == 0xe8 ? Reference::Kind::call : Reference::Kind::jump, at, end,
                       end + static_cast<std::uint64_t>(std::int64_t{distance})};
    }
    // 48 or 49, b8 to bf, imm64
    if (bytes.size() == 10 && (bytes[0] & 0xfe) == 0x48 && (bytes[1] & 0xf8) == 0xb8) {
      std::uint64_t address;
      std::memcpy(&address, &bytes[2], sizeof address);
      return Reference{Reference::Kind::load, at, end, address};
    }
    return {};
  }

  ZydisDecoder decoder_;
};

// A part of a function that lies elsewhere, or the room before one.
bool is_part(std::string_view name) {
  return name.find(".cold") != std::string_view::npos || name.starts_with("__pfx_") ||
         name.starts_with("__cfi_");
}

}  // namespace

CallbackCalls::CallbackCalls(Elf* elf, Elf* with_symbols, const ElfSymbols& symbols) {
  Addresses trace;
  Addresses compare;
  for_each_symbol(with_symbols, [&](const char* name, const GElf_Sym& entry) {
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
  const auto note = [&](const Reference& reference) {
    if (has(compare, reference.to)) comparisons_.push_back(reference.at);
    if (!has(trace, reference.to)) return;
    calls_.push_back(reference.at);
    if (reference.kind == Reference::Kind::load) ++loads;
    if (reference.kind == Reference::Kind::call) returns_.push_back(reference.end);
  };
  const Decoder decoder;
  const std::vector<Code> code = code_of(elf);
  std::uint64_t done = 0;  // the end of what was decoded
  for (const ElfSymbols::Symbol& symbol : symbols.all()) {
    if (symbol.start < done) continue;  // another name of the same code, or of a part of it
    const auto around = std::find_if(code.begin(), code.end(), [&](const Code& one) {
      return symbol.start >= one.start && symbol.end >= symbol.start &&
             symbol.end - one.start <= one.bytes.size();
    });
    if (around == code.end()) continue;
    decoder.for_each_reference(
        symbol.start,
        around->bytes.subspan(symbol.start - around->start, symbol.end - symbol.start), note);
    done = symbol.end;
  }
  by_address_ = loads > calls_.size() / 2;
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
