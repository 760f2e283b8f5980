// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Where the code of an image calls kcov's callbacks: all that there is to cover in it, and so which
// of its functions can have coverage at all.
//
// The code of each symbol is decoded, so that bytes which only look like a call are not taken for
// one. Found are direct calls, jumps with which a function ends, and, where the code model is
// large, the instruction that loads the callback's address into a register, which may serve several
// calls.
#pragma once

#include <libelf.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "symbol/elf_symbols.hpp"
#include "symbol/instrumentation.hpp"

namespace kcov::symbol {

class CallbackCalls {
 public:
  // `with_symbols`: the ELF that has the symbol table, which need not be `elf`; `symbols`: made of
  // it. They may go afterwards.
  CallbackCalls(Elf* elf, Elf* with_symbols, const ElfSymbols& symbols);

  bool by_address() const { return by_address_; }
  // From `start` to before `end`.
  std::size_t calls(std::uint64_t start, std::uint64_t end) const;
  std::size_t comparisons(std::uint64_t start, std::uint64_t end) const;

  // What direct calls of __sanitizer_cov_trace_pc return to, ascending: the PCs that kcov can
  // record, unless the image calls it through a register or a table (the large code model, a shared
  // object).
  std::vector<std::uint64_t> take_returns() { return std::move(returns_); }

  Instrumentation measure(const ElfSymbols& symbols) const;

 private:
  bool is_known_ = false;
  bool has_callback_ = false;
  bool by_address_ = false;
  std::vector<std::uint64_t> calls_;  // addresses, ascending
  std::vector<std::uint64_t> comparisons_;
  std::vector<std::uint64_t> returns_;
};

}  // namespace kcov::symbol
