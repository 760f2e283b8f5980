// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The program's own view of its signals is as if nobody stood in between.
#include <pthread.h>

#include <array>
#include <atomic>
#include <thread>

#include "signals.hpp"

namespace kcov::test {
namespace {

TEST(HostSignals, The_program_is_told_of_its_own_handlers) {
  struct sigaction action {};
  struct sigaction found {};
  action.sa_handler = run_in_handler;
  action.sa_flags = static_cast<int>(SA_RESTART | SA_NODEFER);
  sigaddset(&action.sa_mask, SIGUSR2);
  struct sigaction before {};
  ASSERT_EQ(0, sigaction(SIGUSR1, &action, &before));
  EXPECT_EQ(SIG_DFL, before.sa_handler);
  ASSERT_EQ(0, sigaction(SIGUSR1, nullptr, &found));
  EXPECT_EQ(run_in_handler, found.sa_handler);
  EXPECT_EQ(SA_RESTART | SA_NODEFER, static_cast<unsigned>(found.sa_flags) & ~0x04000000u)
      << "but for the C library's own flag";
  EXPECT_EQ(1, sigismember(&found.sa_mask, SIGUSR2));
  action.sa_handler = SIG_IGN;
  ASSERT_EQ(0, sigaction(SIGUSR1, &action, &found));
  EXPECT_EQ(run_in_handler, found.sa_handler);
  // One structure for both: not to be done, but it works.
  found.sa_handler = jump_out;
  struct sigaction* const volatile same = &found;
  ASSERT_EQ(0, sigaction(SIGUSR1, same, same));
  EXPECT_EQ(SIG_IGN, found.sa_handler);
  EXPECT_EQ(jump_out, signal(SIGUSR1, run_in_handler));
  EXPECT_EQ(run_in_handler, signal(SIGUSR1, SIG_DFL));
  EXPECT_EQ(SIG_DFL, signal(SIGUSR1, SIG_DFL));
}

TEST(HostSignals, Errors_are_the_systems) {
  struct sigaction action {};
  action.sa_handler = run_in_handler;
  for (const int number : {0, -1, 65, 1000, SIGKILL, SIGSTOP}) {
    errno = 0;
    EXPECT_EQ(-1, sigaction(number, &action, nullptr)) << number;
    EXPECT_EQ(EINVAL, errno) << number;
    errno = 0;
    EXPECT_EQ(SIG_ERR, signal(number, run_in_handler)) << number;
    EXPECT_EQ(EINVAL, errno) << number;
  }
  EXPECT_EQ(SIG_ERR, signal(SIGUSR1, SIG_ERR));
}

TEST(HostSignals, RESETHAND_NODEFER_and_masks_mean_what_they_mean) {
  static bool blocked_itself;
  static bool blocked_other;
  const Handler look = [](int number) {
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    blocked_itself = sigismember(&blocked, number) == 1;
    blocked_other = sigismember(&blocked, SIGUSR2) == 1;
  };
  struct sigaction found {};
  {
    const Action action(SIGUSR1, look, static_cast<int>(SA_RESETHAND | SA_NODEFER));
    raise(SIGUSR1);
    EXPECT_EQ(kLateSignals, blocked_itself);
    EXPECT_EQ(kLateSignals, blocked_other);
    ASSERT_EQ(0, sigaction(SIGUSR1, nullptr, &found));
    EXPECT_EQ(SIG_DFL, found.sa_handler);
  }
  struct sigaction action {};
  action.sa_handler = look;
  sigaddset(&action.sa_mask, SIGUSR2);
  ASSERT_EQ(0, sigaction(SIGUSR1, &action, nullptr));
  raise(SIGUSR1);
  EXPECT_TRUE(blocked_itself);
  EXPECT_TRUE(blocked_other);
  signal(SIGUSR1, SIG_DFL);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
TEST(HostSignals, The_older_names_have_their_own_meanings) {
  struct sigaction found {};
  EXPECT_EQ(SIG_DFL, signal(SIGUSR1, run_in_handler));
  sigaction(SIGUSR1, nullptr, &found);
  EXPECT_TRUE((found.sa_flags & SA_RESTART) != 0);
  EXPECT_EQ(0, siginterrupt(SIGUSR1, 1));
  sigaction(SIGUSR1, nullptr, &found);
  EXPECT_TRUE((found.sa_flags & SA_RESTART) == 0);
  EXPECT_EQ(run_in_handler, signal(SIGUSR1, jump_out)) << "siginterrupt() left the handler alone";
  sigaction(SIGUSR1, nullptr, &found);
  EXPECT_TRUE((found.sa_flags & SA_RESTART) == 0) << "siginterrupt() holds for later ones";
  EXPECT_EQ(0, siginterrupt(SIGUSR1, 0));
  EXPECT_EQ(jump_out, sysv_signal(SIGUSR1, run_in_handler));
  entered = 0;
  {
    const Tracing tracing;
    (void)tracing.count();
    raise(SIGUSR1);
    EXPECT_EQ(0u, tracing.count());
  }
  EXPECT_EQ(1, entered);
  EXPECT_EQ(SIG_DFL, signal(SIGUSR1, SIG_DFL)) << "once";
  EXPECT_EQ(SIG_DFL, sigset(SIGUSR1, run_in_handler));
  EXPECT_EQ(run_in_handler, sigset(SIGUSR1, SIG_HOLD));
  raise(SIGUSR1);
  EXPECT_EQ(1, entered) << "held";
  EXPECT_EQ(SIG_HOLD, sigset(SIGUSR1, run_in_handler));
  for (int i = 0; i < 1000 && entered == 1; ++i) usleep(1000);
  EXPECT_EQ(2, entered) << "let go";
  EXPECT_EQ(run_in_handler, sigset(SIGUSR1, SIG_DFL));
}
#pragma GCC diagnostic pop

TEST(HostSignals, vfork_and_fork_leave_the_parents_handlers_alone) {
  const Action action(SIGUSR1, run_in_handler);
  entered = 0;
#ifndef __SANITIZE_THREAD__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  const pid_t child = vfork();
#pragma GCC diagnostic pop
  if (child == 0) {
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR1, jump_out);
    _exit(0);
  }
  ASSERT_EQ(child, waitpid(child, nullptr, 0));
#endif
  EXPECT_EQ(0, in_child([] { return signal(SIGUSR1, SIG_DFL) == run_in_handler ? 0 : 1; }));
  raise(SIGUSR1);
  EXPECT_EQ(1, entered);
}

std::atomic<unsigned> last_number;
template <unsigned number>
void numbered(int) {
  last_number = number;
}
template <unsigned... number>
constexpr auto all_numbered(std::integer_sequence<unsigned, number...>) {
  return std::array<Handler, sizeof...(number)>{numbered<number>...};
}

// In a child: the functions that a process has installed are kept for its life.
TEST(HostSignals, More_handlers_than_can_be_told_apart_are_called_all_the_same) {
  static constexpr auto handlers = all_numbered(std::make_integer_sequence<unsigned, 400>());
  EXPECT_EQ(0, in_child([] {
              Handler before = SIG_DFL;
              for (unsigned number = 0; number < handlers.size(); ++number) {
                if (signal(SIGUSR1, handlers[number]) != before) return 1;
                before = handlers[number];
                raise(SIGUSR1);
                if (last_number != number) return 2;
              }
              return 0;
            }));
}

TEST(HostSignals, Threads_that_change_one_signals_handler_see_whole_handlers) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer's sigaction() copies the old handler byte by byte, while others "
                  "store theirs";
#endif
  static constexpr auto handlers = all_numbered(std::make_integer_sequence<unsigned, 4>());
  const Action action(SIGUSR1, handlers[0]);
  std::vector<std::thread> threads;
  std::atomic<int> strangers = 0;
  for (unsigned thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 2000; ++round) {
        const Handler found = signal(SIGUSR1, handlers[thread]);
        bool known = false;
        for (const Handler handler : handlers) known |= handler == found;
        if (!known) ++strangers;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(0, strangers);
}

}  // namespace
}  // namespace kcov::test
