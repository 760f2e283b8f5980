// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What the call of a callback looks like in x86-64's code, made and unmade. One byte is
// changed, the first, so that a thread which runs through it meanwhile meets one or the other
// whole instruction, of the same length:
//
//   e8 rel32        call callback        a9 imm32        test $imm32, %eax
//   67 e8 rel32     the same, as a linker relaxes the next one
//   ff 15 rel32     call *slot(%rip)     85 15 rel32     test %edx, slot(%rip)
//
// What stands in its place changes flags alone, and a call leaves no flags to count on. The
// operand stays where it is, so what was called can be read from an unmade call too.
//
// The return address alone proves nothing: a function may end with a jump to the callback,
// and then it is that of the function's own caller. So a site is one only if its operand leads
// to the callback: directly, through a slot that holds its address, or through a stub of the
// linker's that jumps through such a slot, and does nothing else.
#pragma once

#include <cstddef>
#include <cstdint>

#include "port/host/own_memory.hpp"

namespace kcov::host {

// Bytes before a return address that say what the call was.
inline constexpr std::size_t kCallBytes = 6;

// Addresses of this library's callbacks, `count` of them. Set once, before calls are dormant.
void set_callbacks(const std::uintptr_t* callbacks, std::size_t count) noexcept;

// Where operands lead. There is one at a time (sites.hpp), which remembers what it has read:
// most calls share a few stubs.
class Targets {
 public:
  explicit Targets(const OwnMemory& memory) noexcept;
  // The callback that a call of `target` executes, or 0.
  std::uintptr_t callback_at(std::uintptr_t target) noexcept;
  // The callback whose address lies at `slot`, or 0.
  std::uintptr_t callback_in(std::uintptr_t slot) noexcept;

 private:
  std::uintptr_t read_stub(std::uintptr_t address) const noexcept;
  std::uintptr_t read_slot(std::uintptr_t address) const noexcept;

  const OwnMemory& memory_;
};

struct CallSite {
  std::uintptr_t callback = 0;  // 0: this is no call of a callback, and the rest means nothing
  unsigned length = 0;          // from its first byte to the return address
  bool made = false;
};

// The call whose last bytes are bytes[0] to bytes[kCallBytes - 1], and which returns to
// `return_address`.
CallSite call_before(const unsigned char* bytes, std::uintptr_t return_address,
                     Targets& targets) noexcept;

// The first byte of a call of `length` bytes.
constexpr unsigned char first_byte(unsigned length, bool made) noexcept {
  if (length == 5) return made ? 0xe8 : 0xa9;
  return made ? 0xff : 0x85;
}

}  // namespace kcov::host
