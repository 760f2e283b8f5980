// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Many threads at once on the user-space port. Under ThreadSanitizer these are the
// tests of the locks.
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <atomic>
#include <random>
#include <span>
#include <thread>

#include "support.hpp"

namespace kcov::test {
namespace {

// Contract 12: of all who enable at once, one does.
TEST(HostRaces, Rule12_many_threads_enable_at_once_and_one_is_bound) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 2000;
  File file;
  ASSERT_EQ(0, file.init(kWords));
  std::atomic<int> bound = 0;
  std::atomic<int> most = 0;
  std::atomic<int> times = 0;
  std::vector<std::thread> threads;
  for (int number = 0; number < kThreads; ++number) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        if (kcov_host_ioctl(file.fd(), KCOV_ENABLE, KCOV_TRACE_PC) != 0) continue;
        if (const int now = ++bound; now > most) most = now;
        ++times;
        run(1);
        --bound;
        EXPECT_EQ(0, file.disable());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(1, most);
  EXPECT_LT(0, times);
}

// Eight threads on four shared descriptors, which come and go: everything at once.
// Errors are expected of each call; what must not be is a crash, a race or a leak.
TEST(HostRaces, Many_threads_open_enable_trace_disable_close_and_exit_at_once) {
  const Memory before;
  std::atomic<int> slots[4];
  for (auto& slot : slots) slot = kcov_host_open(O_RDWR);
  for (unsigned generation = 0; generation < 10; ++generation) {
    std::vector<std::thread> threads;
    for (unsigned number = 0; number < 8; ++number) {
      threads.emplace_back([&slots, seed = generation * 8 + number] {
        std::minstd_rand random(seed + 1);
        for (int step = 0; step < 100; ++step) {
          auto& slot = slots[random() % 4];
          const int fd = slot;
          switch (random() % 8) {
            case 0: kcov_host_ioctl(fd, KCOV_INIT_TRACE, kWords * (1 + random() % 2)); break;
            case 1:
            case 2: kcov_host_ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC); break;
            case 3:
            case 4: kcov_host_ioctl(fd, KCOV_DISABLE, 0); break;
            case 5: {
              std::uint64_t dropped;
              kcov_host_ioctl(fd, KCOV_GET_DROPPED, reinterpret_cast<unsigned long>(&dropped));
              break;
            }
            case 6:
              // The number is closed once, by whoever takes it out of its slot.
              if (const int mine = slot.exchange(-1); mine >= 0) kcov_host_close(mine);
              break;
            default: {
              const int fresh = kcov_host_open(O_RDWR);
              int empty = -1;
              if (!slot.compare_exchange_strong(empty, fresh)) kcov_host_close(fresh);
            }
          }
          run(10);
        }
      });
    }
    for (auto& thread : threads) thread.join();
  }
  for (auto& slot : slots) {
    if (slot >= 0) {
      EXPECT_EQ(0, kcov_host_close(slot));
    }
  }
  EXPECT_EQ(before, Memory{});
}

// One of the 64 below: what it does is chosen at random, and what it holds when it ends is
// for its exit to give back.
class Racer {
 public:
  Racer(std::span<std::atomic<int>> slots, unsigned seed) : slots_(slots), random_(seed) {}
  ~Racer() {
    // Ending within a section would be warned of.
    if (in_section_) kcov_host_remote_stop();
  }

  void step() {
    const std::size_t number = random_() % slots_.size();
    auto& slot = slots_[number];
    const int fd = slot;
    switch (random_() % 16) {
      case 0: kcov_host_ioctl(fd, KCOV_INIT_TRACE, kWords); break;
      case 1:
      case 2:
      case 3: {
        if (kcov_host_ioctl(fd, KCOV_ENABLE, random_() % 2) == 0) local_ = fd;
        break;
      }
      case 4:
      case 5:
      case 6: remote_enable(fd, number); break;
      case 7:
      case 8:
        // Which of the two it was, of a thread that has both, is known by the descriptor.
        if (kcov_host_ioctl(fd, KCOV_DISABLE, 0) == 0 && fd == local_) local_ = -1;
        break;
      case 9:
      case 10:
      case 11: {
        // Not where it would be warned of.
        if (local_ >= 0 || in_section_) break;
        const std::uint64_t handle = random_() % 2 == 0 ? handle_of(number) : common_of(number);
        kcov_host_remote_start(handle);
        in_section_ = true;
        break;
      }
      case 12:
        kcov_host_remote_stop();
        in_section_ = false;
        break;
      case 13: {
        std::uint64_t dropped;
        kcov_host_ioctl(fd, KCOV_GET_DROPPED, reinterpret_cast<unsigned long>(&dropped));
        (void)kcov_host_common_handle();
        break;
      }
      case 14:
        // The number is closed once, by whoever takes it out of its slot.
        if (const int mine = slot.exchange(-1); mine >= 0) kcov_host_close(mine);
        break;
      default: {
        const int fresh = kcov_host_open(O_RDWR);
        int empty = -1;
        if (!slot.compare_exchange_strong(empty, fresh)) kcov_host_close(fresh);
      }
    }
    run(3);
  }

 private:
  static std::uint64_t handle_of(std::size_t slot) { return KCOV_SUBSYSTEM_USB | (slot + 1); }
  static std::uint64_t common_of(std::size_t slot) { return slot + 1; }

  static void remote_enable(int fd, std::size_t slot) {
    std::uint64_t words[4] = {};
    auto* const arg = new (words) kcov_remote_arg;
    arg->area_size = 64;
    arg->num_handles = 1;
    arg->common_handle = common_of(slot);
    words[3] = handle_of(slot);
    kcov_host_ioctl(fd, KCOV_REMOTE_ENABLE, reinterpret_cast<unsigned long>(words));
  }

  std::span<std::atomic<int>> slots_;
  std::minstd_rand random_;
  int local_ = -1;  // what it enabled for itself
  bool in_section_ = false;
};

// Local and remote, sections of other threads, closes and exits, all at once.
TEST(HostRaces, Sixty_four_threads_enable_run_sections_disable_close_and_exit_at_once) {
  constexpr unsigned kThreads = 64;
  const Memory before;
  std::atomic<int> slots[12];
  for (auto& slot : slots) slot = kcov_host_open(O_RDWR);
  for (unsigned generation = 0; generation < 3; ++generation) {
    std::atomic<unsigned> arrived = 0;
    std::vector<std::thread> threads;
    for (unsigned number = 0; number < kThreads; ++number) {
      threads.emplace_back([&, seed = generation * kThreads + number + 1] {
        for (++arrived; arrived < kThreads;) std::this_thread::yield();
        Racer racer(slots, seed);
        for (int steps = 0; steps < 60; ++steps) racer.step();
      });
    }
    for (auto& thread : threads) thread.join();
  }
  for (auto& slot : slots) {
    if (slot >= 0) {
      EXPECT_EQ(0, kcov_host_close(slot));
    }
  }
  EXPECT_EQ(before, Memory{});
  // And every handle is free again.
  for (std::uint64_t number = 1; number <= std::size(slots); ++number) {
    File file;
    ASSERT_EQ(0, file.init(kWords));
    std::uint64_t words[4] = {};
    auto* const arg = new (words) kcov_remote_arg;
    arg->area_size = 64;
    arg->num_handles = 1;
    arg->common_handle = number;
    words[3] = KCOV_SUBSYSTEM_USB | number;
    EXPECT_EQ(0, file.ioctl(KCOV_REMOTE_ENABLE, reinterpret_cast<unsigned long>(words)));
    EXPECT_EQ(0, file.disable());
  }
}

TEST(HostRaces, Forking_while_other_threads_open_and_close) {
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int number = 0; number < 3; ++number) {
    threads.emplace_back([&] {
      while (!done) {
        File file;
        EXPECT_EQ(0, file.init(kWords));
        EXPECT_EQ(0, file.enable());
        run(5);
        EXPECT_EQ(0, file.disable());
      }
    });
  }
  File file;
  ASSERT_EQ(0, file.init(kWords));
  for (int round = 0; round < 30; ++round) {
    EXPECT_EQ(0, in_child([&] {
                if (file.enable() != 0) return 1;
                run(5);
                return file.disable();
              }));
  }
  done = true;
  for (auto& thread : threads) thread.join();
}

// close() is safe in a handler, whatever call of ours it came upon. Without that, a
// handler waits for a lock that its own thread holds, and this never ends.
int to_close[300];
volatile sig_atomic_t closed = 0;

TEST(HostRaces, A_handler_closes_files_in_the_midst_of_anything) {
  const Memory before;
  for (int& fd : to_close) fd = kcov_host_open(O_RDWR);
  closed = 0;
  struct sigaction action {};
  struct sigaction former {};
  action.sa_handler = [](int) {
    const int error = errno;
    if (closed < 300) kcov_host_close(to_close[closed]);
    closed = closed + 1;
    errno = error;
  };
  ASSERT_EQ(0, sigaction(SIGALRM, &action, &former));
  const itimerval often{{0, 50}, {0, 50}};
  const itimerval never{};
  ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, nullptr));
  while (closed < 300) {
    File file;
    ASSERT_EQ(0, file.init(kPageWords));
    ASSERT_EQ(0, file.enable());
    ASSERT_EQ(0, file.disable());
    // The C library's locks are held at times too.
    for (int i = 0; i < 100; ++i) std::free(std::malloc(100000));
  }
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &former, nullptr);
  EXPECT_EQ(before, Memory{});
}

// A call that a cancelled thread is in comes to its end: else its lock, or what it has
// opened, is never given back.
TEST(HostRaces, A_cancelled_thread_completes_the_call_it_is_in) {
  const Memory before;
  for (int round = 0; round < 20; ++round) {
    pthread_t thread;
    ASSERT_EQ(0, pthread_create(
                     &thread, nullptr,
                     [](void*) -> void* {
                       int state;
                       pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
                       const int fd = kcov_host_open(O_RDWR);
                       kcov_host_ioctl(fd, KCOV_INIT_TRACE, kPageWords);
                       pthread_cancel(pthread_self());
                       pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
                       kcov_host_close(fd);
                       pthread_testcancel();
                       return nullptr;
                     },
                     nullptr));
    void* result = nullptr;
    ASSERT_EQ(0, pthread_join(thread, &result));
    EXPECT_EQ(PTHREAD_CANCELED, result);
  }
  const File file;  // the table can be locked
  EXPECT_EQ(before.areas + 1, Memory{}.areas);
}

// fork() gives each thread its own signal mask and cancellation back, in parent and child.
TEST(HostRaces, Threads_that_fork_at_once_keep_their_own_masks) {
  const File file;
  std::atomic<int> wrong = 0;
  const auto forks = [&wrong](bool blocks) {
    sigset_t mine;
    sigemptyset(&mine);
    if (blocks) sigaddset(&mine, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &mine, nullptr);
    const auto is_mine = [blocks] {
      sigset_t now;
      pthread_sigmask(SIG_SETMASK, nullptr, &now);
      return (sigismember(&now, SIGUSR1) != 0) == blocks && sigismember(&now, SIGUSR2) == 0;
    };
    for (int round = 0; round < 100; ++round) {
      const pid_t child = fork();
      if (child == 0) _exit(is_mine() ? 0 : 1);
      int status = -1;
      waitpid(child, &status, 0);
      if (status != 0 || !is_mine()) ++wrong;
    }
  };
  std::thread one(forks, true);
  std::thread two(forks, false);
  one.join();
  two.join();
  EXPECT_EQ(0, wrong);
}

// Contract 8: what is mapped is the file that was asked about.
TEST(HostRaces, Rule08_a_number_that_changes_hands_maps_one_file_or_none) {
  File small;
  File empty;
  ASSERT_EQ(0, small.init(kPageWords));
  const int number = dup(small.fd());
  std::atomic<bool> end = false;
  std::thread changer([&] {
    while (!end) {
      dup2(small.fd(), number);
      dup2(empty.fd(), number);
    }
  });
  int mapped = 0;
  for (int round = 0; round < 5000; ++round) {
    void* const memory =
        kcov_host_mmap(nullptr, 8 * kPageWords, PROT_READ | PROT_WRITE, MAP_SHARED, number, 0);
    if (memory == MAP_FAILED) continue;
    ++mapped;
    *static_cast<volatile std::uint64_t*>(memory) = 0;  // SIGBUS where there is nothing
    munmap(memory, 8 * kPageWords);
  }
  end = true;
  changer.join();
  EXPECT_LT(0, mapped);
  kcov_host_close(number);
}

// The main thread may leave the others behind: /proc/self is empty then.
TEST(HostRaces, Rule01_threads_without_a_main_thread_keep_their_files) {
  const pid_t child = fork();
  if (child == 0) {
    pthread_t thread;
    pthread_create(
        &thread, nullptr,
        [](void*) -> void* {
          usleep(20000);
          const int fd = kcov_host_open(O_RDONLY);
          std::uint64_t dropped = 1;
          if (fd < 0) _exit(1);
          if (kcov_host_ioctl(fd, KCOV_INIT_TRACE, kPageWords) != 0) _exit(2);
          if (kcov_host_ioctl(fd, KCOV_GET_DROPPED, reinterpret_cast<unsigned long>(&dropped)) != 0)
            _exit(3);
          if (kcov_host_ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC) != 0) _exit(4);
          _exit(dropped == 0 ? 0 : 5);
        },
        nullptr);
    syscall(SYS_exit, 0);  // not pthread_exit(), which would unwind the test's own frames
  }
  int status = -1;
  EXPECT_EQ(child, waitpid(child, &status, 0));
  EXPECT_EQ(0, status);
}

}  // namespace
}  // namespace kcov::test
