// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What the call of a callback looks like in x86-64's code, made and unmade:
//
//   made                                 skipped
//   e8 rel32        call callback        a9 imm32        test $imm32, %eax
//   67 e8 rel32     the same, as a linker relaxes the next one
//   ff 15 rel32     call *slot(%rip)     85 15 rel32     test %edx, slot(%rip)
//
// What stands in its place changes flags alone, and a call leaves no flags to count on. Of
// five bytes, without another prefix in front and with an instruction behind that bears them,
// prefixes of that can be made (port/x86_64/unmade_call.h). Then nothing is executed at all, and
// where the call led is the number of an entry in a table (site_table.hpp).
//
//                head              tail               head
//   made  <---------->  skipped  <---------->  numbered  <---------->  prefixes
//   e8 rel32            a9 rel32               a9 t t t 2e             2e t t t 2e
//
// Threads run through it meanwhile. A step changes one byte, or four that are a constant while
// the first byte is a9, so whoever fetches before and after the step meets whole instructions
// of the same length. What must not be met is bytes of three: a head of before one step with a
// tail of after the next (e8 and "t t t 2e" is a call of anywhere), or a tail of before one with
// a head of after the next (2e and a distance, or e8 and the number). So between two steps every
// CPU that runs this process is made to fetch its code anew (synchronize_cpus()), either way:
//
//   - after a change of the head, before one of the tail: nobody executes another head than a9
//     any more, and with that any mixture of tails will do: four bytes are written as they come;
//   - after a change of the tail, before one of the head: nobody has an old tail any more.
//
// A thread that does not run, or is in the kernel, has fetched nothing: where it goes on is an
// instruction's first byte in all four forms, the head or (out of the callback, or out of a
// handler) what is behind the call. A handler's code is fetched after the step or synchronized
// like any. Nobody needs to count threads: a process of one is synchronized for next to nothing.
//
// The return address alone proves nothing: a function may end with a jump to the callback,
// and then it is that of the function's own caller. So a site is one only if its operand leads
// to the callback: directly, through a slot that holds its address, or through a stub of the
// linker's that jumps through such a slot, and does nothing else. For prefixes that is the
// target of their number: three of five bytes and the number must be right, at an address
// where a site was, and the target must lead to a callback still. Other code that was loaded
// there since is as its file has it, with calls that are made.
#pragma once

#include <cstddef>
#include <cstdint>

#include "port/host/own_memory.hpp"
#include "port/host/site_table.hpp"
#include "port/x86_64/unmade_call.h"

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

// In the order in which one becomes the other.
enum class CallForm : unsigned char { made, skipped, numbered, prefixes };

struct CallSite {
  std::uintptr_t callback = 0;  // 0: this is no call of a callback, and the rest means nothing
  std::uintptr_t target = 0;    // where the operand leads
  unsigned length = 0;          // from its first byte to the return address
  CallForm form = CallForm::made;
};

// The call whose last bytes are bytes[0] to bytes[kCallBytes - 1], and which returns to
// `return_address`. A made one whose distance could be taken for a number is none.
CallSite call_before(const unsigned char* bytes, std::uintptr_t return_address, Targets& targets,
                     const NumberedTargets& numbers) noexcept;

// Bytes behind a return address that say whether the instruction there takes prefixes.
inline constexpr std::size_t kNextBytes = 15 - KCOV_CALL_SIZE;

// Whether the call that bytes[0] to bytes[kCallBytes - 1] are the last bytes of can become
// prefixes of the instruction behind it, of which `readable` bytes could be read.
bool can_be_prefixes(const unsigned char* bytes, std::size_t readable, unsigned length) noexcept;

// The first byte of a call.
constexpr unsigned char first_byte(unsigned length, CallForm form) noexcept {
  if (length == 6) return form == CallForm::made ? 0xff : 0x85;
  if (form == CallForm::prefixes) return KCOV_CALL_PREFIX;
  return form == CallForm::made ? KCOV_CALL_MADE : KCOV_CALL_SKIPPED;
}

}  // namespace kcov::host
