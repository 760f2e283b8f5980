// SPDX-License-Identifier: GPL-2.0-only OR MIT
// For the tests of signals: tracing, actions and stacks that end with their scope.
#pragma once

#include <setjmp.h>
#include <signal.h>

#include <memory>

#include "support.hpp"

namespace kcov::test {

inline constexpr unsigned long kSignalWords = 64 * kPageWords;

using Handler = void (*)(int);

// ThreadSanitizer calls handlers when and where it sees fit, with all signals blocked.
#ifdef __SANITIZE_THREAD__
inline constexpr bool kLateSignals = true;
#else
inline constexpr bool kLateSignals = false;
#endif

// Tracing of the calling thread, from construction on.
class Tracing {
 public:
  explicit Tracing(unsigned long mode = KCOV_TRACE_PC)
      : initialized_(file_.init(kSignalWords)), map_(file_.fd(), kSignalWords) {
    EXPECT_EQ(0, initialized_);
    EXPECT_EQ(0, file_.enable(mode));
  }
  ~Tracing() { EXPECT_EQ(0, file_.disable()); }
  // The records since it was last asked.
  std::uint64_t count() const {
    const std::uint64_t found = map_.count();
    map_.set(0, 0);
    return found;
  }

 private:
  File file_;
  int initialized_;
  Map map_;
};

// A signal's action, for as long as it lives.
class Action {
 public:
  Action(int signal, Handler handler, int flags = 0) : signal_(signal) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    EXPECT_EQ(0, sigaction(signal, &action, &before_));
  }
  ~Action() { sigaction(signal_, &before_, nullptr); }
  Action(const Action&) = delete;
  Action& operator=(const Action&) = delete;

 private:
  int signal_;
  struct sigaction before_ {};
};

// An alternate stack of the calling thread, for as long as it lives.
class AlternateStack {
 public:
  AlternateStack() : memory_(new unsigned char[kBytes]) {
    stack_t stack{};
    stack.ss_sp = memory_.get();
    stack.ss_size = kBytes;
    EXPECT_EQ(0, sigaltstack(&stack, &before_));
  }
  ~AlternateStack() { sigaltstack(&before_, nullptr); }
  bool contains(const void* address) const {
    const auto* const byte = static_cast<const unsigned char*>(address);
    return byte >= memory_.get() && byte < memory_.get() + kBytes;
  }

 private:
  static constexpr std::size_t kBytes = 256 << 10;
  std::unique_ptr<unsigned char[]> memory_;
  stack_t before_{};
};

// Runs traced code from far below the caller's frame, and so below that of any handler
// that the caller has left, with nothing traced in between.
[[gnu::noinline]] inline void run_deep(unsigned times) {
  volatile char room[128 << 10];
  room[0] = 0;
  run(times);
  room[1] = room[0];
}

// How many records run(times) makes.
inline std::uint64_t records_of(unsigned times) {
  const Tracing tracing;
  (void)tracing.count();
  run(times);
  return tracing.count();
}

inline volatile sig_atomic_t entered;
inline void run_in_handler(int) {
  run(5);
  entered = entered + 1;
}

inline sigjmp_buf jump_target;
inline void jump_out(int) {
  run(3);
  siglongjmp(jump_target, 1);
}

}  // namespace kcov::test
