// SPDX-License-Identifier: GPL-2.0-only OR MIT
// BANNER: never instrumented; interrupted by handlers between any two instructions.
//
// The records of running handlers (handlers.hpp).
#include "port/host/handlers.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace kcov::host {

namespace {

std::uintptr_t address(const void* pointer) noexcept {
  return reinterpret_cast<std::uintptr_t>(pointer);
}

// The alternate stack's first byte if the calling code runs on it, else 0. Not from the
// handler's own context argument: a sanitizer that delivers signals late gives none. An
// alternate stack that disarms itself (SS_AUTODISARM) is not seen to be one.
std::uintptr_t alternate_stack() noexcept {
  stack_t stack{};
  // The system call itself: the sanitizers have something before the library's.
  if (syscall(SYS_sigaltstack, nullptr, &stack) != 0 || (stack.ss_flags & SS_ONSTACK) == 0)
    return 0;
  return address(stack.ss_sp);
}

// Whether a handler with record `entered` can only have begun after `record`'s was left.
bool outlived(const HandlerRecord& record, const HandlerRecord& entered) noexcept {
  if (record.low == entered.low) return record.frame <= entered.frame;
  // Off the alternate stack again without having returned from it. The other way round,
  // a handler on the alternate stack leaves those on the usual one as they were.
  return entered.low == 0;
}

}  // namespace

HandlerScope::HandlerScope(void* frame) noexcept {
  const HandlerRecord entered{alternate_stack(), address(frame)};
  HandlerRecord* const begin = this_thread.handlers.records;
  // A handler that interrupts this one finds the records whole, and leaves those of
  // running handlers as they were, but anything may have happened to one that did not yet
  // count. So: until it counts and is what it should be.
  HandlerRecord* record;
  do {
    outer_ = load_once(this_thread.handlers.top);
    while (outer_ != nullptr && outlived(*outer_, entered))
      outer_ = outer_ - 1 == begin ? nullptr : outer_ - 1;
    record = (outer_ == nullptr ? begin : outer_) + 1;
    if (record == begin + 1 + kHandlerRecords) return;
    store_once(record->low, entered.low);
    store_once(record->frame, entered.frame);
    compiler_barrier();
    store_once(this_thread.handlers.top, record);
    compiler_barrier();
  } while (load_once(record->low) != entered.low || load_once(record->frame) != entered.frame);
}

void leave_handlers(std::uintptr_t target) noexcept {
  HandlerRecord* const top = load_once(this_thread.handlers.top);
  if (top == nullptr) return;
  store_once(this_thread.handlers.top, target == 0 ? nullptr : record_of(top, target));
}

}  // namespace kcov::host
