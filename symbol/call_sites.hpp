// SPDX-License-Identifier: GPL-2.0-only OR MIT
//
// Whether a PC can be one that kcov recorded in an image: kcov's PCs are the addresses that
// its callback returns to, so the instruction before is a call of it. A PC of another build
// of the same kernel seldom lies behind one, and would get a wrong name with confidence.
//
// A function that ends with a jump to the callback is the exception: there the callback
// returns behind the call of that function, whatever that looks like. Some one in ten
// thousand PCs are so.
#pragma once

#include <libelf.h>

#include <cstdint>
#include <span>
#include <vector>

#include "symbol/elf_symbols.hpp"

namespace kcov::symbol {

class CallSites {
 public:
  // The image's code; the ELF must outlive this.
  explicit CallSites(Elf* elf);

  // Whether the callback may return to `pc`: behind a direct call of a function of
  // __sanitizer_cov_, or of one that no symbol names, or behind a call through a register
  // or a table of addresses (large code models, PIC). For all but x86-64: yes, whatever
  // stands there.
  bool may_return_to(std::uint64_t pc, const ElfSymbols& symbols) const;

 private:
  struct Code {
    std::uint64_t start;
    std::span<const unsigned char> bytes;
  };
  bool is_x86_64_ = false;
  std::vector<Code> code_;
};

}  // namespace kcov::symbol
