// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Dormant call sites of a process (core/dormancy.hpp): while nobody traces, the calls of the
// callbacks are not made.
//
// Nobody knows where these calls are, so they are learnt as they execute: the first one from
// each place comes here, and is changed in up to three steps (call_site.hpp). A place is learnt
// once, and then changed with all of its page (code_change.hpp).
//
//            nobody traces            it has lasted
//   (none) ---------------> waiting ----------------> learning      `call_watch`, which a
//     ^                        |                         |          callback looks at that
//     +------------------------+-------------------------+          does not trace
//                        a task begins to trace
//
//   waiting    calls are made. Untraced callbacks look at the clock, one in 1024.
//   learning   dormant. A call from a place that was learnt before changes all that are known
//              in its page; from a new one, that place. One that cannot be changed is a
//              stranger, and is left alone from then on.
//   waking     all places that are known are changed back before ENABLE returns: all of them by
//              one step, then by the next, since CPUs are synchronized after each.
//
// Falling asleep therefore costs nothing by itself, and needs no other pages than the one that
// the calling code lies in: those cannot be unmapped meanwhile, as a library's could be that
// another thread closes. Waking does need them all, and goes through them under the lock of the
// dynamic linker, which keeps libraries where they are.
//
// One lock, held by whoever wakes or learns. A callback only tries it, since it may have
// interrupted anybody, and holds it with signals blocked, since a handler may jump away.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/memory.hpp"

struct kcov_host_sites;

namespace kcov::host {

// A byte, and no enumeration: clang 14 does not load these atomically.
struct CallWatch {
  static constexpr unsigned char none = 0;
  static constexpr unsigned char waiting = 1;
  static constexpr unsigned char learning = 2;
};

// What a callback that does not trace looks at: one byte. Any thread reads it, and changes it
// as sites.cpp says.
extern constinit unsigned char call_watch [[gnu::visibility("hidden")]];

// What such a callback has to do when there is a watch. `callback` is its own address.
// Kept out of the callback, which then needs neither a frame nor a register to be saved.
[[gnu::noinline, gnu::visibility("hidden")]] void untraced_call(std::uintptr_t return_address,
                                                                std::uintptr_t callback) noexcept;

// HostPort's part of core/port.hpp.
void lock_calls() noexcept;
void unlock_calls() noexcept;
bool patch_calls(bool made) noexcept;
void sleep_later() noexcept;

// Once, before the program runs: what KCOV_HOST_SLEEP_AFTER asks for.
void start_sites() noexcept;

// Around a fork().
void sites_before_fork() noexcept;
void sites_after_fork_in_parent() noexcept;
void sites_after_fork_in_child() noexcept;

}  // namespace kcov::host
