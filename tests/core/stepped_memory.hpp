// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Makes every single load, store and barrier of the core a step at which a test may let
// somebody else come between: an interrupt, another task, user space.
//
// To be included before anything of the core but memory.hpp, in every file of a program
// that includes the core at all: the core's own calls then mean the functions below.
// Nothing of this is in the core, whose hot code shall not know that it is tested.
#pragma once

#include <functional>

#include "core/memory.hpp"

namespace kcov {

struct Step {
  enum Kind { load, store, barrier } kind;
  const void* location;  // null for a barrier
};

// What happens at each step of this thread; empty: nothing.
inline thread_local const std::function<void(const Step&)>* on_step = nullptr;

inline void step(Step::Kind kind, const void* location) {
  const auto* const happens = on_step;
  if (happens == nullptr) [[likely]]
    return;
  on_step = nullptr;  // the one who comes between is not come between
  (*happens)({kind, location});
  on_step = happens;
}

// After the load: what is stored now comes too late for it.
template <typename T>
T stepped_load_once(const T& location) noexcept {
  const T value = load_once(location);
  step(Step::load, &location);
  return value;
}

template <std::uint32_t Value>
bool stepped_equals_once(const std::uint32_t& location) noexcept {
  const bool equal = equals_once<Value>(location);
  step(Step::load, &location);
  return equal;
}

template <typename T>
void stepped_store_once(T& location, T value) noexcept {
  store_once(location, value);
  step(Step::store, &location);
}

inline void stepped_increment_once(std::uint64_t& location) noexcept {
  stepped_store_once(location, stepped_load_once(location) + 1);
}

inline void stepped_compiler_barrier() noexcept {
  compiler_barrier();
  step(Step::barrier, nullptr);
}

}  // namespace kcov

#define load_once stepped_load_once
#define equals_once stepped_equals_once
#define increment_once stepped_increment_once
#define store_once stepped_store_once
#define compiler_barrier stepped_compiler_barrier
