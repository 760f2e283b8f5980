// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What each thread carries for kcov: in one piece, so that a callback finds all of it with one
// offset.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/task_state.h"

namespace kcov::host {

// Where a handler's frames lie: addresses from `low` to `frame`, its entry's own.
struct HandlerRecord {
  std::uintptr_t low;  // the alternate stack's first byte, or 0 on any other
  std::uintptr_t frame;
};

// Handlers within handlers that have a record of their own; further ones run under that
// of the innermost that has.
inline constexpr std::size_t kHandlerRecords = 8;

// handlers.hpp
struct HandlerRecords {
  // The innermost handler's; null while there is none. Read by each callback that would
  // record; the rest only when it is not null.
  HandlerRecord* top;
  // Outermost first, behind one that holds for any stack pointer, where each search ends.
  HandlerRecord records[1 + kHandlerRecords];
};

struct Thread {
  kcov_task_state task;
  HandlerRecords handlers;
  // Of calls that were not traced while there was a watch (sites.hpp).
  unsigned untraced_calls;
};

// Initial-exec and constinit, so that the callback reaches it in one instruction and without a
// call that would initialise it.
extern constinit thread_local Thread this_thread [[gnu::tls_model("initial-exec")]];

}  // namespace kcov::host
