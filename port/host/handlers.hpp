// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Which signal handlers run in a thread: to this port they are what interrupts are to a
// kernel, and nothing of them is recorded (contract 28).
//
// A handler's entry (signals.cpp) records where its frame lies, and its return takes
// that back. A handler may also be left without returning, and then its record must not
// silence the thread for ever after:
//
//   by siglongjmp()      jumps.cpp drops the records of the frames that it leaves.
//   by an exception      the entry's frame is unwound like any other.
//   in any other way     (a jump that is not seen) a record counts for no longer than the
//                        stack pointer stays below the frame: whoever runs above it has
//                        left it.
//
// Who touches the records: only the thread itself, and the handlers that interrupt it.
// Addresses alone, never what lies there: an alternate stack may be gone.
#pragma once

#include <cstdint>

#include "core/memory.hpp"
#include "port/host/this_thread.hpp"

namespace kcov::host {

[[gnu::always_inline]] inline bool contains(const HandlerRecord& record,
                                            std::uintptr_t stack_pointer) noexcept {
  return load_once(record.low) <= stack_pointer && stack_pointer <= load_once(record.frame);
}

[[gnu::always_inline]] inline std::uintptr_t stack_pointer() noexcept {
  // Not the frame's address where it can be helped: for that, a function sets up a frame
  // pointer, on every path through it.
#if defined(__x86_64__)
  std::uintptr_t value;
  asm volatile("mov %%rsp, %0" : "=r"(value));
  return value;
#else
  return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
#endif
}

// The innermost of `from` and the records below that `stack_pointer` is within, or null.
[[gnu::always_inline]] inline HandlerRecord* record_of(HandlerRecord* from,
                                                       std::uintptr_t stack_pointer) noexcept {
  while (!contains(*from, stack_pointer)) --from;
  return from == this_thread.handlers.records ? nullptr : from;
}

// Callback. Whether the calling code runs in a handler; drops the records of those that
// have been left. No call, and few registers: more would have to be saved on the way into a
// callback, traced or not.
[[gnu::always_inline]] inline bool in_handler() noexcept {
  HandlerRecord* top = load_once(this_thread.handlers.top);
  if (top == nullptr) [[likely]]
    return false;
  top = record_of(top, stack_pointer());
  store_once(this_thread.handlers.top, top);
  return top != nullptr;
}

// A handler runs from construction to destruction, below `frame`.
class HandlerScope {
 public:
  explicit HandlerScope(void* frame) noexcept;
  ~HandlerScope() { store_once(this_thread.handlers.top, outer_); }
  HandlerScope(const HandlerScope&) = delete;
  HandlerScope& operator=(const HandlerScope&) = delete;

 private:
  HandlerRecord* outer_;  // of the handler that this one interrupted, or null
};

// The thread is about to go on at the stack pointer `target`, in whatever frame that is;
// 0: nobody knows, so it is taken to be outside of every handler.
void leave_handlers(std::uintptr_t target) noexcept;

// Once, before the program runs: finds what the two files need, none of which could be
// looked for within a handler.
void start_signals() noexcept;
void start_jumps() noexcept;

}  // namespace kcov::host
