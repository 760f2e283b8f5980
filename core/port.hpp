// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Everything the core asks of the system around it. A port is a class with these
// members, all static, none of which may throw; the core's templates take it as
// their parameter, and `static_assert(kcov::Port<MyPort>)` proves it complete.
//
// Nothing a port calls from a function marked "callback" may be instrumented, may
// sleep or may take a lock: it runs at every basic block, in every context.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "task_state.h"

namespace kcov {

// Where the running code stands (contract 28).
enum class Context {
  task,
  soft_interrupt,
  hard_interrupt,  // and non-maskable ones
};

// The core's locks, in the order they may be taken in: no descriptor's lock within
// another's, and none of them within the remote one.
enum class LockRank { descriptor, remote };

// Version 14 does not know compound requirements.
// clang-format off
template <typename P>
concept Port = requires(kcov_task_state* state, std::uintptr_t pc, std::size_t bytes, void* memory,
                        std::uint64_t* area, typename P::Lock& lock, const char* text) {
  // Callback. The running task's state; null before there is a first task, and on
  // threads that have none.
  { P::current() } noexcept -> std::same_as<kcov_task_state*>;
  // Callback, but only when the task traces.
  // Where one word tells, a port may have in addition, for the callback alone:
  //   static std::uint32_t context_word() noexcept   0 in a task, kSoftInterrupt in a soft
  //                                                  interrupt, else something else
  //   static constexpr std::uint32_t kSoftInterrupt  not 0
  { P::context() } noexcept -> std::same_as<Context>;
  // Callback, only for records: the address less the offset the image was loaded at.
  { P::canonical_pc(pc) } noexcept -> std::same_as<std::uintptr_t>;

  // A lock taken by tasks and soft interrupts, and held briefly: the longest is the merge
  // of a section's records. Constructed unlocked, with its rank, for whoever checks the order.
  requires std::constructible_from<typename P::Lock, LockRank>;
  { lock.lock() } noexcept;
  { lock.unlock() } noexcept;

  // Memory for anything of the core's own: of kilobytes, or (section buffers) of as
  // many megabytes as a program asks for; null when there is none. Both may sleep,
  // but a release in a soft interrupt must not.
  { P::allocate(bytes) } noexcept -> std::same_as<void*>;
  { P::release(memory) } noexcept;
  // A buffer that can be shared with user space, all zero; null when there is none.
  // May sleep. Released when the last reference to its descriptor goes.
  { P::allocate_area(bytes) } noexcept -> std::same_as<std::uint64_t*>;
  { P::release_area(area, bytes) } noexcept;

  // Copies from memory of the calling program: false where it cannot be read.
  { P::copy_from_caller(memory, pc, bytes) } noexcept -> std::same_as<bool>;
  // Copies to memory of the calling program: false where it cannot be written.
  { P::copy_to_caller(pc, static_cast<const void*>(memory), bytes) } noexcept -> std::same_as<bool>;

  // Dormancy (dormancy.hpp). Makes or unmakes the calls of the callbacks, all of them, and is
  // called with the lock held; on return from patch_calls(true) every CPU makes them. False: it
  // could not, and nothing has changed. All but sleep_later() may sleep; that sees to it that
  // Dormancy::sleep() is called later, or never.
  { P::lock_calls() } noexcept;
  { P::unlock_calls() } noexcept;
  { P::patch_calls(true) } noexcept -> std::same_as<bool>;
  { P::sleep_later() } noexcept;

  // Says that an invariant does not hold, with a stack trace where there is one.
  { P::warn(text) } noexcept;

  // Whether comparison callbacks were compiled into the code that is traced.
  { P::kComparisons } -> std::convertible_to<bool>;
};

// clang-format on

}  // namespace kcov
