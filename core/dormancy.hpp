// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Dormancy: the calls of the callbacks are made only while somebody traces. The rest of the
// time each of them is an instruction that does nothing, so a program or a kernel that
// could be traced runs as fast as one that could not.
//
//              a task begins to trace
//   dormant ------------------------------> awake
//           <------------------------------
//              nobody has traced for a while
//
// This is the rule of when; how calls are made and unmade is the port's (patch_calls()), and
// so is the length of "a while" (sleep_later()).
//
// A task that enables tracing counts as a tracer from before the state is looked at until it
// traces no more, whether it records itself or stands for handles. Everything starts awake, as
// the compiler left it: a port that cannot patch says so and stays there.
#pragma once

#include <atomic>
#include <cstdint>

#include "port.hpp"

namespace kcov {

template <Port P>
class Dormancy {
 public:
  // A task is about to trace. On return all calls are made, so that nothing is lost between an
  // ENABLE and the first record; false: they cannot be. Owes an end() either way. May sleep.
  [[nodiscard]] static bool begin() noexcept {
    // Sequentially consistent, as the store and the load in sleep(): either this task sees
    // that the calls are gone, or sleep() sees that there is a tracer.
    tracers_.fetch_add(1, std::memory_order_seq_cst);
    if (awake_.load(std::memory_order_seq_cst)) [[likely]]
      return true;
    P::lock_calls();
    bool made = awake_.load(std::memory_order_relaxed);
    if (!made) {
      made = P::patch_calls(true);
      if (made) awake_.store(true, std::memory_order_seq_cst);
    }
    P::unlock_calls();
    return made;
  }

  // A task that called begin() traces no more. Does not sleep.
  static void end() noexcept {
    if (tracers_.fetch_sub(1, std::memory_order_seq_cst) == 1) P::sleep_later();
  }

  // Unmakes all calls, unless somebody traces. May sleep. For the port, when the while that
  // sleep_later() began is over.
  static void sleep() noexcept {
    P::lock_calls();
    if (awake_.load(std::memory_order_relaxed)) {
      awake_.store(false, std::memory_order_seq_cst);
      const bool unmade = tracers_.load(std::memory_order_seq_cst) == 0 && P::patch_calls(false);
      // Whoever saw the calls gone waits for the lock, and finds them made.
      if (!unmade) awake_.store(true, std::memory_order_seq_cst);
    }
    P::unlock_calls();
  }

  // What a new task's process, a copy by fork(), begins with: no tracer of its own.
  static void forget_tracers() noexcept { tracers_.store(0, std::memory_order_relaxed); }

  [[nodiscard]] static bool is_awake() noexcept { return awake_.load(std::memory_order_seq_cst); }
  [[nodiscard]] static std::uint32_t tracers() noexcept {
    return tracers_.load(std::memory_order_relaxed);
  }

 private:
  static inline std::atomic<std::uint32_t> tracers_{0};
  static inline std::atomic<bool> awake_{true};
};

// begin(), and end() unless keep() was called in between: for an ENABLE that may still fail.
template <Port P>
class Tracer {
 public:
  Tracer() noexcept : calls_are_made_(Dormancy<P>::begin()) {}
  ~Tracer() {
    if (!kept_) Dormancy<P>::end();
  }
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;
  [[nodiscard]] bool calls_are_made() const noexcept { return calls_are_made_; }
  void keep() noexcept { kept_ = true; }

 private:
  const bool calls_are_made_;
  bool kept_ = false;
};

}  // namespace kcov
