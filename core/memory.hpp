// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Single loads and stores of memory that somebody else may change meanwhile
// (user space through its mapping, an interrupt on this CPU, another thread that
// merely reads). They are relaxed: they cost a plain move, cannot be torn,
// repeated or merged by the compiler, and order nothing by themselves.
#pragma once

#include <cstdint>

namespace kcov {

template <typename T>
[[gnu::always_inline]] inline T load_once(const T& location) noexcept {
  return __atomic_load_n(&location, __ATOMIC_RELAXED);
}

template <typename T>
[[gnu::always_inline]] inline void store_once(T& location, T value) noexcept {
  __atomic_store_n(&location, value, __ATOMIC_RELAXED);
}

// load_once(location) == Value. A compiler keeps an atomic load apart from the comparison; this
// is the first thing of every callback, and saves it an instruction and a register.
template <std::uint32_t Value>
[[gnu::always_inline]] inline bool equals_once(const std::uint32_t& location) noexcept {
#if defined(__x86_64__)
  bool equal;
  asm volatile("cmpl %2, %1" : "=@cce"(equal) : "m"(location), "i"(Value));
  return equal;
#else
  return load_once(location) == Value;
#endif
}

// store_once(location, load_once(location) + 1). Here one instruction, and no register: a callback
// that saves what it uses would save one more, for what it hardly ever does.
[[gnu::always_inline]] inline void increment_once(std::uint64_t& location) noexcept {
#if defined(__x86_64__)
  asm volatile("addq $1, %0" : "+m"(location) : : "cc");
#else
  store_once(location, load_once(location) + 1);
#endif
}

// Orders this CPU's accesses against its own interrupts. No instruction.
[[gnu::always_inline]] inline void compiler_barrier() noexcept {
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

}  // namespace kcov
