// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "symbol/coverable.hpp"

#include <Zydis/Zydis.h>
#include <gelf.h>

#include <cstring>
#include <optional>
#include <span>
#include <string_view>

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
  GElf_Ehdr header;
  const std::optional<std::uint64_t> callback = find_callback(symbols);
  if (!callback || gelf_getehdr(elf, &header) == nullptr || header.e_machine != EM_X86_64)
    return pcs;
  const Finder finder(*callback);
  std::uint64_t done = 0;  // the end of what was decoded
  for (const ElfSymbols::Symbol& symbol : symbols.all()) {
    if (symbol.start < done) continue;  // another name of the same code, or of a part of it
    Elf_Scn* const section = elf_getscn(elf, symbol.section);
    GElf_Shdr shape;
    if (section == nullptr || gelf_getshdr(section, &shape) == nullptr ||
        shape.sh_type != SHT_PROGBITS || (shape.sh_flags & SHF_EXECINSTR) == 0)
      continue;
    const Elf_Data* const data = elf_rawdata(section, nullptr);
    if (data == nullptr || data->d_buf == nullptr || symbol.start < shape.sh_addr ||
        symbol.end < symbol.start || symbol.end - shape.sh_addr > data->d_size)
      continue;
    const std::span<const unsigned char> code(static_cast<const unsigned char*>(data->d_buf),
                                              data->d_size);
    finder.find(code.subspan(symbol.start - shape.sh_addr, symbol.end - symbol.start), symbol.start,
                pcs);
    done = symbol.end;
  }
  return pcs;
}

}  // namespace kcov::symbol
