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
#include "port/host/this_thread.hpp"

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

// Return addresses that are no site's, or whose site could not be changed: looked for before
// anything that costs more. A bit wrong at times does no harm, so any thread looks, and the
// lock's holder writes.
inline constexpr std::size_t kStrangers = 512;
inline constexpr std::size_t kWays = 4;
[[gnu::visibility("hidden")]] extern constinit std::uintptr_t strangers[kStrangers][kWays];

[[gnu::always_inline]] inline std::uintptr_t (
    &strangers_like(std::uintptr_t address) noexcept)[kWays] {
  return strangers[(address ^ address >> 9) % kStrangers];
}

// Calls of a thread between two looks at the clock.
inline constexpr unsigned kCallsPerLook = 1024;

// Whether such a callback, when there is a watch, has anything to do beside. Calls nothing.
[[gnu::always_inline]] inline bool calls_for_a_look(std::uintptr_t return_address) noexcept {
  const unsigned char seen = load_once(call_watch);
  if (seen == CallWatch::waiting) return ++this_thread.untraced_calls % kCallsPerLook == 0;
  if (seen != CallWatch::learning) return false;
  for (const std::uintptr_t& each : strangers_like(return_address))
    if (load_once(each) == return_address) return false;
  return true;
}

// Then this. `callback` is its own address. Changes registers like any function, vectors too.
extern "C" [[gnu::visibility("hidden")]] void kcov_host_look(std::uintptr_t return_address,
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
