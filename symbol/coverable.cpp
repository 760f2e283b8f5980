// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "symbol/coverable.hpp"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "symbol/elf_file.hpp"

namespace kcov::symbol {
namespace {

constexpr std::string_view kCallback = "__sanitizer_cov_trace_pc";

std::optional<std::uint64_t> find_callback(const ElfSymbols& symbols) {
  for (const ElfSymbols::Symbol& symbol : symbols.all())
    if (symbol.name == kCallback) return symbol.start;
  return {};
}

// The calls of the callback in one function.
class Finder {
 public:
  explicit Finder(std::uint64_t callback) : callback_(callback) {
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisDecoderEnableMode(&decoder_, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE);
  }

  void find(std::span<const unsigned char> code, std::uint64_t start,
            std::vector<std::uint64_t>& pcs) const {
    // call rel32
    constexpr unsigned char kCall = 0xe8;
    constexpr std::size_t kLength = 5;
    for (std::size_t at = 0; at < code.size();) {
      ZydisDecodedInstruction instruction;
      // What is no code, a table between functions perhaps, is stepped over.
      if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder_, nullptr, &code[at],
                                                      code.size() - at, &instruction))) {
        ++at;
        continue;
      }
      const std::size_t begin = at;
      at += instruction.length;
      if (instruction.length != kLength || code[begin] != kCall) continue;
      std::int32_t distance;
      std::memcpy(&distance, &code[begin + 1], sizeof distance);
      if (start + at + static_cast<std::uint64_t>(std::int64_t{distance}) == callback_)
        pcs.push_back(start + at);
    }
  }

 private:
  std::uint64_t callback_;
  ZydisDecoder decoder_;
};

}  // namespace

std::vector<std::uint64_t> coverable_pcs(Elf* elf, const ElfSymbols& symbols) {
  std::vector<std::uint64_t> pcs;
  const std::optional<std::uint64_t> callback = find_callback(symbols);
  if (!callback || !is_x86_64(elf)) return pcs;
  const Finder finder(*callback);
  std::uint64_t done = 0;  // the end of what was decoded
  const std::vector<Code> code = code_of(elf);
  for (const ElfSymbols::Symbol& symbol : symbols.all()) {
    if (symbol.start < done) continue;  // another name of the same code, or of a part of it
    const auto around = std::find_if(code.begin(), code.end(), [&](const Code& one) {
      return symbol.start >= one.start && symbol.end >= symbol.start &&
             symbol.end - one.start <= one.bytes.size();
    });
    if (around == code.end()) continue;
    finder.find(around->bytes.subspan(symbol.start - around->start, symbol.end - symbol.start),
                symbol.start, pcs);
    done = symbol.end;
  }
  return pcs;
}

}  // namespace kcov::symbol
