// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Contract 28 on the user-space port: what a signal's handler executes is not recorded,
// however it is entered and left.
#include "signals.hpp"

#include <pthread.h>
#include <setjmp.h>
#include <sys/time.h>
#include <time.h>

#include <stdexcept>

namespace kcov::test {
namespace {

TEST(HostSignals, Rule28_a_handler_records_nothing_and_the_thread_goes_on) {
  const std::uint64_t expected = records_of(7);
  const Action action(SIGUSR1, run_in_handler);
  const Tracing tracing;
  entered = 0;
  (void)tracing.count();
  raise(SIGUSR1);
  EXPECT_EQ(1, entered);
  EXPECT_EQ(0u, tracing.count());
  run(7);
  raise(SIGUSR1);
  EXPECT_EQ(expected, tracing.count());
}

TEST(HostSignals, Rule28_nor_does_a_handler_of_three_arguments_or_one_on_its_own_stack) {
  static AlternateStack* stack;
  static bool right_arguments;
  AlternateStack here;
  stack = &here;
  struct sigaction action {};
  struct sigaction before {};
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  action.sa_sigaction = [](int signal, siginfo_t* info, void* context) {
    const int local = 0;
    right_arguments = signal == SIGUSR1 && info->si_signo == SIGUSR1 &&
                      info->si_value.sival_int == 42 && context != nullptr &&
                      (kLateSignals || stack->contains(&local));
    run_in_handler(signal);
  };
  ASSERT_EQ(0, sigaction(SIGUSR1, &action, &before));
  const Tracing tracing;
  entered = 0;
  right_arguments = false;
  (void)tracing.count();
  sigval value{};
  value.sival_int = 42;
  sigqueue(getpid(), SIGUSR1, value);
  for (int i = 0; i < 1000 && entered == 0; ++i) usleep(1000);
  EXPECT_EQ(1, entered);
  EXPECT_TRUE(right_arguments);
  EXPECT_EQ(0u, tracing.count());
  run(1);
  EXPECT_LT(0u, tracing.count());
  sigaction(SIGUSR1, &before, nullptr);
}

TEST(HostSignals, Rule28_a_handler_is_one_after_another_that_interrupted_it_has_returned) {
  for (const int inner_flags : {0, SA_ONSTACK}) {
    const AlternateStack stack;
    const Action inner(SIGUSR2, run_in_handler, inner_flags);
    const Action outer(SIGUSR1, [](int) {
      run(3);
      raise(SIGUSR2);
      run_deep(3);
    });
    const Tracing tracing;
    entered = 0;
    (void)tracing.count();
    raise(SIGUSR1);
    EXPECT_EQ(1, entered);
    EXPECT_EQ(0u, tracing.count());
    run(1);
    EXPECT_LT(0u, tracing.count());
  }
}

TEST(HostSignals, Rule28_handlers_within_handlers_deeper_than_there_are_records) {
  static volatile sig_atomic_t depth;
  const Action action(
      SIGUSR1,
      [](int) {
        run(1);
        depth = depth + 1;
        if (depth < 40) raise(SIGUSR1);
        run(1);
      },
      static_cast<int>(SA_NODEFER));
  const Tracing tracing;
  depth = 0;
  (void)tracing.count();
  raise(SIGUSR1);
  EXPECT_EQ(40, depth);
  EXPECT_EQ(0u, tracing.count());
  run(1);
  EXPECT_LT(0u, tracing.count());
}

TEST(HostSignals, Rule28_a_handler_that_is_left_by_siglongjmp_is_over) {
  const std::uint64_t expected = records_of(7);
  for (const int flags : {0, SA_ONSTACK}) {
    for (int round = 0; round < 20; ++round) {
      const AlternateStack stack;
      const Action action(SIGUSR1, jump_out, flags);
      const Tracing tracing;
      (void)tracing.count();
      if (sigsetjmp(jump_target, 1) == 0) raise(SIGUSR1);
      EXPECT_EQ(0u, tracing.count());
      run_deep(7);
      EXPECT_EQ(expected, tracing.count()) << "flags " << flags << ", round " << round;
    }
  }
}

TEST(HostSignals, Rule28_a_jump_within_a_handler_does_not_end_it) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer does not survive such jumps, without kcov neither";
#endif
  for (const int inner_flags : {0, SA_ONSTACK}) {
    const AlternateStack stack;
    const Action inner(SIGUSR2, jump_out, inner_flags);
    const Action outer(SIGUSR1, [](int) {
      if (sigsetjmp(jump_target, 1) == 0) raise(SIGUSR2);
      run_deep(3);
      jmp_buf here;
      if (_setjmp(here) == 0) longjmp(here, 1);
      run_deep(3);
    });
    const Tracing tracing;
    (void)tracing.count();
    raise(SIGUSR1);
    EXPECT_EQ(0u, tracing.count());
    run_deep(1);
    EXPECT_LT(0u, tracing.count());
  }
}

TEST(HostSignals, Rule28_a_handler_that_is_left_by_an_exception_is_over) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer's own frames cannot be unwound";
#else
  const std::uint64_t expected = records_of(7);
  const Action action(
      SIGUSR1,
      [](int) {
        run(3);
        throw std::runtime_error("from a handler");
      },
      SA_NODEFER);
  // raise() is declared not to throw.
  int (*volatile raise_signal)(int) = raise;
  const Tracing tracing;
  (void)tracing.count();
  bool caught = false;
  try {
    raise_signal(SIGUSR1);
  } catch (const std::runtime_error&) {
    caught = true;
  }
  EXPECT_TRUE(caught);
  EXPECT_EQ(0u, tracing.count());
  run_deep(7);
  EXPECT_EQ(expected, tracing.count());
#endif
}

// Signals between any two instructions of a callback, with handlers within handlers and
// jumps out of them: each trace is exactly that of the code between.
TEST(HostSignals, Rule28_under_fire_a_traced_threads_records_are_whole_and_its_own) {
  constexpr unsigned kRounds = 2000;
  constexpr unsigned long kMany = 64 * kPageWords;
  const std::uint64_t expected = records_of(kRounds);
  File file;
  ASSERT_EQ(0, file.init(kMany));
  Map map(file.fd(), kMany);
  std::vector<std::uint64_t> first;
  const Action nested(SIGUSR1, run_in_handler);
  const Action action(SIGALRM, [](int) {
    run(3);
    raise(SIGUSR1);
    run(3);
  });
  entered = 0;
  sigset_t all;
  sigset_t blocked;
  sigfillset(&all);
  ASSERT_EQ(0, pthread_sigmask(SIG_UNBLOCK, &all, &blocked));
  EXPECT_TRUE(kLateSignals || sigismember(&blocked, SIGALRM) == 0)
      << "the tests before this one left signals blocked; ThreadSanitizer does now and then";
  const itimerval often{{0, 50}, {0, 50}};
  ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, nullptr));
  const time_t end = time(nullptr) + 30;
  while (entered < 200 && time(nullptr) < end) {
    ASSERT_EQ(0, file.enable());
    run(kRounds);
    ASSERT_EQ(0, file.disable());
    ASSERT_EQ(expected, map.count());
    if (first.empty()) first.assign(map.words() + 1, map.words() + 1 + expected);
    ASSERT_EQ(0, std::memcmp(first.data(), map.words() + 1, expected * 8));
    std::memset(map.words(), 0, (1 + expected) * 8);
  }
  const itimerval never{};
  setitimer(ITIMER_REAL, &never, nullptr);
  EXPECT_LE(200, entered);
}

}  // namespace
}  // namespace kcov::test
