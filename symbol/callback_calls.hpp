// SPDX-License-Identifier: GPL-2.0-only OR MIT
//
// Where the code of an image calls kcov's callbacks, and so which of its functions can have
// coverage at all.
//
// Code is not disassembled: any byte is looked at as if an instruction began there. What is looked
// for has a whole address in it (call or jump rel32; where the code model is large, the address
// that is loaded into a register first), so that other bytes are taken for it once in some
// thousand million.
#pragma once

#include <libelf.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "symbol/elf_symbols.hpp"
#include "symbol/instrumentation.hpp"

namespace kcov::symbol {

class CallbackCalls {
 public:
  // Reads all code once. The ELF may go afterwards.
  explicit CallbackCalls(Elf* elf);

  bool is_known() const { return is_known_; }
  bool has_callback() const { return has_callback_; }
  bool by_address() const { return by_address_; }
  // From `start` to before `end`.
  std::size_t calls(std::uint64_t start, std::uint64_t end) const;
  std::size_t comparisons(std::uint64_t start, std::uint64_t end) const;

  Instrumentation measure(const ElfSymbols& symbols) const;

 private:
  bool is_known_ = false;
  bool has_callback_ = false;
  bool by_address_ = false;
  std::vector<std::uint64_t> calls_;  // addresses, ascending
  std::vector<std::uint64_t> comparisons_;
};

}  // namespace kcov::symbol
