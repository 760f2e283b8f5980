// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Contract 28 on the user-space port: what a signal's handler executes is not recorded,
// however it is entered and left; and the program's own view of its signals is as if
// nobody stood in between.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include <array>
#include <atomic>
#include <memory>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>

#include "support.hpp"

namespace kcov::test {
namespace {

constexpr unsigned long kWords = 64 * kPageWords;

using Handler = void (*)(int);

// ThreadSanitizer calls handlers when and where it sees fit, with all signals blocked.
#ifdef __SANITIZE_THREAD__
constexpr bool kLateSignals = true;
#else
constexpr bool kLateSignals = false;
#endif

// Tracing of the calling thread, from construction on.
class Tracing {
 public:
  explicit Tracing(unsigned long mode = KCOV_TRACE_PC)
      : initialized_(file_.init(kWords)), map_(file_.fd(), kWords) {
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
[[gnu::noinline]] void run_deep(unsigned times) {
  volatile char room[128 << 10];
  room[0] = 0;
  run(times);
  room[1] = room[0];
}

// How many records run(times) makes.
std::uint64_t records_of(unsigned times) {
  const Tracing tracing;
  (void)tracing.count();
  run(times);
  return tracing.count();
}

volatile sig_atomic_t entered;
void run_in_handler(int) {
  run(5);
  entered = entered + 1;
}

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

sigjmp_buf target;
void jump_out(int) {
  run(3);
  siglongjmp(target, 1);
}

TEST(HostSignals, Rule28_a_handler_that_is_left_by_siglongjmp_is_over) {
  const std::uint64_t expected = records_of(7);
  for (const int flags : {0, SA_ONSTACK}) {
    for (int round = 0; round < 20; ++round) {
      const AlternateStack stack;
      const Action action(SIGUSR1, jump_out, flags);
      const Tracing tracing;
      (void)tracing.count();
      if (sigsetjmp(target, 1) == 0) raise(SIGUSR1);
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
      if (sigsetjmp(target, 1) == 0) raise(SIGUSR2);
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
