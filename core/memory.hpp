// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Single loads and stores of memory that somebody else may change meanwhile
// (user space through its mapping, an interrupt on this CPU, another thread that
// merely reads). They are relaxed: they cost a plain move, cannot be torn,
// repeated or merged by the compiler, and order nothing by themselves.
#pragma once

namespace kcov {

template <typename T>
[[gnu::always_inline]] inline T load_once(const T& location) noexcept {
  return __atomic_load_n(&location, __ATOMIC_RELAXED);
}

template <typename T>
[[gnu::always_inline]] inline void store_once(T& location, T value) noexcept {
  __atomic_store_n(&location, value, __ATOMIC_RELAXED);
}

// Orders this CPU's accesses against its own interrupts. No instruction.
[[gnu::always_inline]] inline void compiler_barrier() noexcept {
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

}  // namespace kcov
