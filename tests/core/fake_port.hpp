// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A port whose every answer a test decides: memory that runs out at a chosen call,
// a context, a task that is not there, a callback nested in the midst of another.
#pragma once

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <vector>

#include "core/descriptor.hpp"
#include "core/section.hpp"
#include "core/trace.hpp"

namespace kcov::test {

// What the port saw and is to say; each test begins with a new one.
struct World {
  kcov_task_state task{};
  kcov_task_state* current = &task;  // the running one; null: there is none
  Context context = Context::task;
  int allocations_until_failure = -1;  // -1: never
  int copies_until_failure = -1;       // from the caller; -1: never
  std::function<void()> after_copy;    // what another thread does then
  std::atomic<int> live_blocks = 0;
  std::atomic<int> live_areas = 0;
  std::atomic<int> warnings = 0;
  bool comparisons = true;
  std::uintptr_t nested_pc = 0;      // called back from within the next callback
  std::uintptr_t nested_cmp_pc = 0;  // the same, by a comparison of 0 and 0
};
inline World* world = nullptr;

// Says whether this thread holds a lock of the core: nothing that may sleep may be
// called then.
inline thread_local bool lock_held = false;

template <bool WithComparisons>
struct BasicFakePort {
  class Lock {
   public:
    void lock() noexcept {
      mutex_.lock();
      lock_held = true;
    }
    void unlock() noexcept {
      lock_held = false;
      mutex_.unlock();
    }

   private:
    std::mutex mutex_;
  };
  static constexpr bool kComparisons = WithComparisons;

  static kcov_task_state* current() noexcept { return world->current; }
  static Context context() noexcept { return world->context; }
  static std::uintptr_t canonical_pc(std::uintptr_t pc) noexcept {
    if (const std::uintptr_t nested = world->nested_pc; nested != 0) {
      world->nested_pc = 0;
      trace_pc<BasicFakePort>(nested);
    }
    if (const std::uintptr_t nested = world->nested_cmp_pc; nested != 0) {
      world->nested_cmp_pc = 0;
      trace_cmp<BasicFakePort>(0, 0, 0, nested);
    }
    return pc;
  }

  static void* allocate(std::size_t bytes) noexcept {
    if (no_memory()) return nullptr;
    ++world->live_blocks;
    return std::malloc(bytes);
  }
  static void release(void* memory) noexcept {
    --world->live_blocks;
    std::free(memory);
  }
  static std::uint64_t* allocate_area(std::size_t bytes) noexcept {
    if (no_memory()) return nullptr;
    ++world->live_areas;
    return static_cast<std::uint64_t*>(std::calloc(1, bytes));
  }
  static void release_area(std::uint64_t* area, std::size_t) noexcept {
    if (lock_held) std::abort();
    --world->live_areas;
    std::free(area);
  }
  static bool copy_from_caller(void* to, std::uintptr_t from, std::size_t bytes) noexcept {
    if (lock_held) std::abort();
    if (world->copies_until_failure >= 0 && world->copies_until_failure-- == 0) return false;
    if (from < 4096) return false;
    std::memcpy(to, reinterpret_cast<const void*>(from), bytes);
    if (world->after_copy) world->after_copy();
    return true;
  }
  static bool copy_to_caller(std::uintptr_t to, const void* from, std::size_t bytes) noexcept {
    if (to == 0) return false;
    std::memcpy(reinterpret_cast<void*>(to), from, bytes);
    return true;
  }
  static void warn(const char*) noexcept { ++world->warnings; }

 private:
  static bool no_memory() noexcept {
    if (lock_held) std::abort();
    if (world->allocations_until_failure < 0) return false;
    return world->allocations_until_failure-- == 0;
  }
};

using FakePort = BasicFakePort<true>;
using FakePortWithoutComparisons = BasicFakePort<false>;
static_assert(Port<FakePort> && Port<FakePortWithoutComparisons>);

}  // namespace kcov::test
