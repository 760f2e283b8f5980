// SPDX-License-Identifier: GPL-2.0-only OR MIT
//
// Whether a PC can be one that kcov recorded in an image: kcov's PCs are the addresses that
// its callback returns to, so the instruction before is a call of it. A PC of another build
// of the same kernel seldom lies behind one, and would get a wrong name with confidence.
//
// A function may end with a jump to the callback, or with one to a function that does: the callback
// then returns behind the call of that function. Such calls count, too, and those through a
// register or memory, which may be of any function.
#pragma once

#include <libelf.h>

#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

#include "symbol/elf_file.hpp"
#include "symbol/elf_symbols.hpp"

namespace kcov::symbol {

class CallSites {
 public:
  // The image's code; the ELF must outlive this. `with_symbols`: the ELF that has the symbol table,
  // which need not be the same; `symbols`: made of it.
  CallSites(Elf* elf, Elf* with_symbols, const ElfSymbols& symbols);

  // Whether the callback may return to `pc`: behind a direct call of a function of
  // __sanitizer_cov_, of one that ends with a jump to such, or of one that no symbol names, or
  // behind a call through a register or memory. For all but x86-64: yes, whatever stands there.
  bool may_return_to(std::uint64_t pc, const ElfSymbols& symbols);

  // Whether `pc` lies behind a call of anything. Functions may end with jumps to functions that
  // end with a jump to the callback, and what is called through a register or a retpoline's thunk
  // may be any: so the callback can return to nowhere else. For all but x86-64: yes.
  bool is_behind_call(std::uint64_t pc) const;

 private:
  // The code before `pc`; empty where there is no code.
  std::span<const unsigned char> before(std::uint64_t pc) const;
  // Finds the jumps to callbacks.
  void find_jumps(Elf* with_symbols, const ElfSymbols& symbols);
  // Whether a call of this address may be one of a callback.
  bool leads_to_callback(std::uint64_t callee, const ElfSymbols& symbols) const;

  bool is_x86_64_ = false;
  std::vector<Code> code_;
  // Starts of the callbacks, and of the functions that end with a jump to one, or to another such.
  std::unordered_set<std::uint64_t> ends_in_callback_;
  // Answers for callees: few are called by most.
  struct Callee {
    std::uint64_t address = ~std::uint64_t{0};
    bool leads_to_callback = true;  // what lies at no symbol may be anything
  };
  std::vector<Callee> recent_ = std::vector<Callee>(1 << 12);
};

}  // namespace kcov::symbol
