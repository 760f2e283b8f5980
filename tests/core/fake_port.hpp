// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A port whose every answer a test decides: memory that runs out at a chosen call,
// a context, a task that is not there, a callback nested in the midst of another.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "stepped_memory.hpp"

// Behind the steps, which have to be there first.
#include "core/descriptor.hpp"
#include "core/section.hpp"
#include "core/task_switch.h"
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
  std::atomic<int> broken_guards = 0;  // blocks and areas that were written around
  std::uintptr_t warning_pc = 0;       // what warning executes
  bool comparisons = true;
  std::uintptr_t nested_pc = 0;      // called back from within the next callback
  std::uintptr_t nested_cmp_pc = 0;  // the same, by a comparison of 0 and 0
  // What comes between in the next callback that records, after it has taken its record
  // and before it has stored the PC there.
  std::function<void()> during_callback;
  // Dormancy. A test that sleeps is to leave the calls made.
  std::mutex calls_mutex;
  std::atomic<bool> calls_made = true;
  std::atomic<int> patches = 0;
  bool patching_fails = false;
  std::atomic<int> sleeps_asked_for = 0;
  std::function<void()> before_patching;  // once
  std::function<void()> while_patching;
};
inline World* world = nullptr;

// How many locks of the core this thread holds: nothing that may sleep may be called
// while there is one.
inline thread_local int locks_held = 0;

// Memory with words before and behind it that nobody may write to. What is handed out
// to the core's own use is not zero, so that nothing relies on it.
class Guarded {
 public:
  static void* allocate(std::size_t bytes, unsigned char filling) noexcept {
    const std::size_t words = (bytes + 7) / 8;
    auto* const all = static_cast<std::uint64_t*>(std::malloc((words + 2 * kGuards) * 8));
    std::fill(all, all + kGuards, kPattern);
    all[0] = words;
    std::memset(all + kGuards, filling, words * 8);
    std::fill(all + kGuards + words, all + 2 * kGuards + words, kPattern);
    return all + kGuards;
  }
  // Whether nothing was written around it.
  [[nodiscard]] static bool release(void* memory) noexcept {
    std::uint64_t* const all = static_cast<std::uint64_t*>(memory) - kGuards;
    const std::uint64_t words = all[0];
    const auto is_pattern = [](std::uint64_t word) { return word == kPattern; };
    const bool whole = std::all_of(all + 1, all + kGuards, is_pattern) &&
                       std::all_of(all + kGuards + words, all + 2 * kGuards + words, is_pattern);
    std::free(all);
    return whole;
  }

 private:
  static constexpr std::uint64_t kPattern = 0xa5c3a5c3a5c3a5c3;
  static constexpr std::size_t kGuards = 6;  // more than the longest record
};

template <bool WithComparisons>
struct BasicFakePort {
  class Lock {
   public:
    explicit Lock(LockRank rank) noexcept : rank_(rank) {}
    void lock() noexcept {
      // Only the remote one may be taken within another.
      if (rank_ == LockRank::descriptor && locks_held != 0) std::abort();
      mutex_.lock();
      ++locks_held;
    }
    void unlock() noexcept {
      --locks_held;
      mutex_.unlock();
    }

   private:
    LockRank rank_;
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
    if (world->during_callback) {
      const std::function<void()> happens = std::exchange(world->during_callback, nullptr);
      happens();
    }
    return pc;
  }

  static void* allocate(std::size_t bytes) noexcept {
    if (no_memory()) return nullptr;
    ++world->live_blocks;
    return Guarded::allocate(bytes, 0xa5);
  }
  static void release(void* memory) noexcept {
    if (locks_held != 0) std::abort();
    if (memory == nullptr) std::abort();
    --world->live_blocks;
    if (!Guarded::release(memory)) ++world->broken_guards;
  }
  static std::uint64_t* allocate_area(std::size_t bytes) noexcept {
    if (no_memory()) return nullptr;
    ++world->live_areas;
    // So much is address space to a kernel, and a minute's work to a test.
    if (bytes > (std::size_t{1} << 20)) std::abort();
    return static_cast<std::uint64_t*>(Guarded::allocate(bytes, 0));
  }
  static void release_area(std::uint64_t* area, std::size_t) noexcept {
    if (locks_held != 0) std::abort();
    --world->live_areas;
    if (!Guarded::release(area)) ++world->broken_guards;
  }
  static bool copy_from_caller(void* to, std::uintptr_t from, std::size_t bytes) noexcept {
    if (locks_held != 0) std::abort();
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
  static void lock_calls() noexcept {
    if (locks_held != 0) std::abort();
    if (const auto before = std::exchange(world->before_patching, nullptr)) before();
    world->calls_mutex.lock();
  }
  static void unlock_calls() noexcept { world->calls_mutex.unlock(); }
  static bool patch_calls(bool made) noexcept {
    if (world->calls_made == made) std::abort();
    if (world->patching_fails) return false;
    world->calls_made = made;
    ++world->patches;
    if (world->while_patching) world->while_patching();
    return true;
  }
  static void sleep_later() noexcept {
    if (locks_held != 0) std::abort();
    ++world->sleeps_asked_for;
  }
  static void warn(const char*) noexcept {
    ++world->warnings;
    if (world->warning_pc != 0) trace_pc<BasicFakePort>(world->warning_pc);
  }

 private:
  static bool no_memory() noexcept {
    if (locks_held != 0) std::abort();
    if (world->allocations_until_failure < 0) return false;
    return world->allocations_until_failure-- == 0;
  }
};

using FakePort = BasicFakePort<true>;
using FakePortWithoutComparisons = BasicFakePort<false>;
static_assert(Port<FakePort> && Port<FakePortWithoutComparisons>);

}  // namespace kcov::test
