// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What tests/conformance cannot ask of the user-space port, because no kernel shows it: its
// own maps and memory, its threads' several ways to end, and counts that are exact.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include <atomic>
#include <thread>

#include "support.hpp"

namespace kcov::test {
namespace {

TEST(HostRules, Rule03_a_read_only_descriptor_traces_but_has_no_writable_shared_map) {
  File file(O_RDONLY);
  ASSERT_EQ(0, file.init(kWords));
  EXPECT_EQ(EACCES, Map(file.fd(), kWords).error());
  EXPECT_EQ(EACCES, Map(file.fd(), 2 * kWords).error())
      << "the mode is looked at before the length";
  EXPECT_EQ(MAP_FAILED,
            mmap(nullptr, 8 * kWords, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd(), 0));
  EXPECT_EQ(EACCES, errno) << "the system says so too";
  Map map(file.fd(), kWords, PROT_READ);
  ASSERT_EQ(0, map.error());
  EXPECT_EQ(-1, mprotect(map.words(), 8 * kWords, PROT_READ | PROT_WRITE));
  EXPECT_EQ(EACCES, errno);
  ASSERT_EQ(0, file.enable());
  run(10);
  EXPECT_EQ(0, file.disable());
  EXPECT_LT(0u, map.count());
  File writes(O_WRONLY);
  ASSERT_EQ(0, writes.init(kWords));
  EXPECT_EQ(EACCES, Map(writes.fd(), kWords, PROT_READ).error());
}

TEST(HostRules, Rule06_the_request_is_checked_before_there_is_no_descriptor_left) {
  File file;
  File initialized;
  ASSERT_EQ(0, initialized.init(kWords));
  rlimit before;
  ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
  const int first_free = dup(0);
  close(first_free);
  const rlimit none{static_cast<rlim_t>(first_free), before.rlim_max};
  ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
  const int too_small = file.init(1);
  const int good = file.init(kWords);
  const int small_again = initialized.init(1);
  const int again = initialized.init(kWords);
  ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
  EXPECT_EQ(EINVAL, too_small);
  EXPECT_EQ(EMFILE, good);
  EXPECT_EQ(EINVAL, small_again);
  EXPECT_EQ(EBUSY, again);
  EXPECT_EQ(0, file.init(kWords)) << "nothing has changed";
  Map map(file.fd(), kWords);
  ASSERT_EQ(0, map.error());
  EXPECT_EQ(0, file.enable());
  run(1);
  EXPECT_EQ(0, file.disable());
  EXPECT_LT(0u, map.count());
}

TEST(HostRules, Rule07_the_buffer_is_zeroed_and_a_loser_of_a_race_frees_its_own) {
  for (int round = 0; round < 200; ++round) {
    const int before = maps_of("memfd:kcov");
    File file;
    int results[2];
    {
      std::thread first([&] { results[0] = file.init(kWords); });
      std::thread second([&] { results[1] = file.init(2 * kWords); });
      first.join();
      second.join();
    }
    const bool first_won = results[0] == 0;
    ASSERT_EQ(first_won ? EBUSY : 0, results[1]);
    ASSERT_EQ(first_won ? 0 : EBUSY, results[0]);
    ASSERT_EQ(before + 1, maps_of("memfd:kcov"));
    Map map(file.fd(), first_won ? kWords : 2 * kWords);
    ASSERT_EQ(0, map.error());
    for (std::size_t word = 0; word < kWords; ++word) ASSERT_EQ(0u, map.at(word));
  }
}

// A file that may not grow so far is no memory, not a signal; one that has its buffer is busy.
TEST(HostRules, Rule06_07_a_limit_of_files_sizes_is_no_memory) {
  File file;
  File initialized;
  ASSERT_EQ(0, initialized.init(kWords));
  rlimit before;
  ASSERT_EQ(0, getrlimit(RLIMIT_FSIZE, &before));
  const rlimit small{kWords * 8, before.rlim_max};
  ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &small));
  const int too_large = file.init(2 * kWords);
  const int again = initialized.init(2 * kWords);
  const int fits = file.init(kWords);
  ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &before));
  EXPECT_EQ(ENOMEM, too_large);
  EXPECT_EQ(EBUSY, again);
  EXPECT_EQ(0, fits);
}

// What the library's own calls bring about comes to the program's handler, not to its end.
TEST(HostRules, A_sandbox_may_answer_the_librarys_calls) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer calls handlers later";
#endif
  static std::uint64_t answered;
  const auto body = [] {
    struct sigaction action {};
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = [](int, siginfo_t*, void* context) {
      auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
      ++answered;
      // Nor may a cancellation come in the midst of a call.
      int type = 0;
      pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
      if (type != PTHREAD_CANCEL_DEFERRED) answered = 99;
      registers[REG_RAX] = -EPERM;
    };
    if (sigaction(SIGSYS, &action, nullptr) != 0) return 1;
    const File file;
    if (file.init(kWords) != 0) return 2;
    sock_filter instructions[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_writev, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{4, instructions};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
      return 3;
    }
    std::uint64_t count = 0;
    int type = 0;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
    const int result =
        kcov_host_ioctl(file.fd(), KCOV_GET_DROPPED, reinterpret_cast<unsigned long>(&count));
    return result == -1 && errno == EFAULT && answered == 1 ? 0 : 4;
  };
  EXPECT_EQ(0, in_child(body));
}

TEST(HostErrors, a_descriptor_that_is_none_of_ours_is_EBADF) {
  char byte;
  for (const int fd : {-1, 0, 9999}) {
    EXPECT_EQ(-1, kcov_host_ioctl(fd, KCOV_INIT_TRACE, 2));
    EXPECT_EQ(EBADF, errno);
    EXPECT_EQ(MAP_FAILED, kcov_host_mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0));
    EXPECT_EQ(EBADF, errno);
    EXPECT_EQ(-1, kcov_host_read(fd, &byte, 1));
    EXPECT_EQ(EBADF, errno);
    EXPECT_EQ(-1, kcov_host_pread(fd, &byte, 1, 0));
    EXPECT_EQ(EBADF, errno);
    EXPECT_EQ(-1, kcov_host_close(fd));
    EXPECT_EQ(EBADF, errno);
  }
  EXPECT_GE(fcntl(0, F_GETFD), 0) << "and it stays open";
}

// How many records run(times) makes.
std::uint64_t records_of(unsigned times) {
  File file;
  EXPECT_EQ(0, file.init(64 * kWords));
  Map map(file.fd(), 64 * kWords);
  EXPECT_EQ(0, file.enable());
  run(times);
  EXPECT_EQ(0, file.disable());
  EXPECT_EQ(0u, file.dropped());
  return map.count();
}

TEST(HostRules, Rule24_capacity_is_size_less_1_and_what_is_dropped_is_counted) {
  const std::uint64_t records = records_of(1000);
  File file;
  ASSERT_EQ(0, file.init(kWords));
  Map map(file.fd(), kWords);
  ASSERT_EQ(0, file.enable());
  run(1000);
  ASSERT_EQ(0, file.disable());
  EXPECT_EQ(kWords - 1, map.count());
  EXPECT_NE(0u, map.at(kWords - 1)) << "the last word is used";
  EXPECT_EQ(records - (kWords - 1), file.dropped());
  map.set(0, 0);
  ASSERT_EQ(0, file.enable());
  run(1000);
  ASSERT_EQ(0, file.disable());
  EXPECT_EQ(2 * (records - (kWords - 1)), file.dropped()) << "it never decreases";
}

TEST(HostRules, Rule24_nothing_is_written_past_the_end) {
  File file;
  ASSERT_EQ(0, file.init(10));
  ASSERT_EQ(0, file.enable());
  run(1000);
  ASSERT_EQ(0, file.disable());
  // The rest of the buffer's last page, which kcov's own mmap never shows.
  void* const page = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file.fd(), 0);
  ASSERT_NE(MAP_FAILED, page);
  const auto* const words = static_cast<const std::uint64_t*>(page);
  EXPECT_EQ(9u, words[0]);
  for (std::size_t word = 1; word < 10; ++word) EXPECT_NE(0u, words[word]);
  for (std::size_t word = 10; word < kPageWords; ++word) EXPECT_EQ(0u, words[word]) << word;
  munmap(page, 4096);
}

TEST(HostRules, Rule26_storing_to_word_0_while_another_thread_traces_harms_nothing) {
  File file;
  ASSERT_EQ(0, file.init(kWords));
  Map map(file.fd(), kWords);
  std::atomic<bool> done = false;
  std::thread traced([&] {
    EXPECT_EQ(0, file.enable());
    for (int round = 0; round < 2000; ++round) run(50);
    EXPECT_EQ(0, file.disable());
    done = true;
  });
  for (std::uint64_t value = 0; !done; value = value * 6364136223846793005u + 1442695040888963407u)
    map.set(0, value >> (value & 63));
  traced.join();
}

TEST(HostRules, Rule30_the_map_may_go_before_tracing_does) {
  std::thread([] {
    File file;
    ASSERT_EQ(0, file.init(kWords));
    ASSERT_EQ(0, file.enable());
    {
      Map map(file.fd(), kWords);
      run(5);
    }
    run(5);
    ASSERT_EQ(0, file.close());
    run(5);
  }).join();
}

TEST(HostRules, Rule31_a_child_traces_into_the_descriptor_it_shares) {
  File file;
  ASSERT_EQ(0, file.init(kWords));
  Map map(file.fd(), kWords);
  EXPECT_EQ(0, in_child([&] {
              if (file.enable() != 0) return 1;
              run(5);
              return file.disable();
            }));
  EXPECT_LT(0u, map.count());
  EXPECT_EQ(0, file.enable()) << "the child gave it back";
  EXPECT_EQ(0, file.disable());
}

void exit_path(void*) { run(100); }

TEST(HostRules, Rule32_exit_disables_first_and_another_thread_may_enable) {
  pthread_key_t key;
  ASSERT_EQ(0, pthread_key_create(&key, exit_path));
  File file;
  ASSERT_EQ(0, file.init(kWords));
  Map map(file.fd(), kWords);
  std::uint64_t last = 0;
  std::thread([&] {
    pthread_setspecific(key, &file);
    ASSERT_EQ(0, file.enable());
    run(5);
    last = map.count();
  }).join();
  EXPECT_LT(0u, last);
  EXPECT_EQ(last, map.count()) << "the exit path is not recorded, the data stands";
  EXPECT_EQ(0, file.enable());
  EXPECT_EQ(0, file.disable());
  pthread_key_delete(key);
}

// Enables from a key's destructor, in round `round` of the thread's exit, when the
// destructors of thread_local objects have run.
struct Late {
  int fd;
  int empty;  // a descriptor without a buffer
  pthread_key_t key;
  int round;  // from 1
  bool call_before;
  int result;
  int empty_result;
};

void enable_late(void* argument) {
  auto* const late = static_cast<Late*>(argument);
  if (--late->round > 0) {
    pthread_setspecific(late->key, late);
    return;
  }
  late->empty_result = kcov_host_ioctl(late->empty, KCOV_ENABLE, KCOV_TRACE_PC) == 0 ? 0 : errno;
  late->result = kcov_host_ioctl(late->fd, KCOV_ENABLE, KCOV_TRACE_PC) == 0 ? 0 : errno;
}

void* end_late(void* argument) {
  auto* const late = static_cast<Late*>(argument);
  // The thread's first call of kcov, or not.
  if (late->call_before) kcov_host_ioctl(late->fd, KCOV_DISABLE, 0);
  pthread_setspecific(late->key, late);
  return nullptr;
}

TEST(HostRules, Rule32_an_enable_by_the_destructor_of_a_key_is_undone_or_refused) {
  // In a child, which ends before LeakSanitizer looks: glibc never frees what it is
  // asked to remember so late in a thread's exit.
  EXPECT_EQ(0, in_child([] {
#ifdef __SANITIZE_THREAD__
              // Its own destructor ends what it knows of the thread in the last round.
              constexpr int kRounds = PTHREAD_DESTRUCTOR_ITERATIONS - 2;
#else
              constexpr int kRounds = PTHREAD_DESTRUCTOR_ITERATIONS;
#endif
              File file;
              File empty;
              if (file.init(kWords) != 0) return 1;
              for (int number = 0; number < 2 * kRounds; ++number) {
                Late late{file.fd(), empty.fd(), {}, 1 + number / 2, number % 2 != 0, -1, -1};
                const bool last = late.round == PTHREAD_DESTRUCTOR_ITERATIONS;
                // A first call in the last round is not caught (docs/host.md).
                if (last && !late.call_before) continue;
                pthread_t thread;
                if (pthread_key_create(&late.key, enable_late) != 0) return 2;
                if (pthread_create(&thread, nullptr, end_late, &late) != 0) return 3;
                pthread_join(thread, nullptr);
                pthread_key_delete(late.key);
                // Rule 12 comes first, also in the round in which nothing may be enabled.
                if (late.empty_result != EINVAL) return 30 + number;
                if (late.result != (last ? EBUSY : 0)) return 10 + number;
                if (file.enable() != 0 || file.disable() != 0) return 20 + number;
              }
              return 0;
            }));
}

struct Work {
  int fd;
  bool cancelled;
  int enabled;  // atomic; -2 until it was tried
};

// Without AddressSanitizer, which takes what it had marked of this frame for the
// frame of those who run after it when pthread_exit() leaves it (gcc 12).
[[gnu::no_sanitize_address]] void* enable_and_end(void* argument) {
  auto* const work = static_cast<Work*>(argument);
  const int result = kcov_host_ioctl(work->fd, KCOV_ENABLE, KCOV_TRACE_PC);
  __atomic_store_n(&work->enabled, result, __ATOMIC_SEQ_CST);
  if (!work->cancelled) pthread_exit(nullptr);
  for (;;) pause();
}

TEST(HostRules, Rule32_pthread_exit_and_cancellation_are_exits_too) {
  File file;
  ASSERT_EQ(0, file.init(kWords));
  for (const bool cancelled : {false, true}) {
    Work work{file.fd(), cancelled, -2};
    pthread_t thread;
    ASSERT_EQ(0, pthread_create(&thread, nullptr, enable_and_end, &work));
    while (__atomic_load_n(&work.enabled, __ATOMIC_SEQ_CST) == -2) std::this_thread::yield();
    EXPECT_EQ(0, work.enabled);
    if (cancelled) pthread_cancel(thread);
    pthread_join(thread, nullptr);
    EXPECT_EQ(0, file.enable());
    EXPECT_EQ(0, file.disable());
  }
}

TEST(HostRules, Rule33_the_last_reference_frees) {
  const Memory before;
  {
    File file;
    ASSERT_EQ(0, file.init(kWords));
    const int copy = dup(file.fd());
    EXPECT_EQ(0, file.close());
    EXPECT_NE(before, Memory{}) << "a dup() is the same open file";
    EXPECT_EQ(0, kcov_host_close(copy));
    EXPECT_EQ(before, Memory{});
  }
  {
    File file;
    ASSERT_EQ(0, file.init(kWords));
    std::atomic<int> step = 0;
    std::thread traced([&] {
      EXPECT_EQ(0, file.enable());
      step = 1;
      while (step != 2) std::this_thread::yield();
      run(5);
    });
    while (step != 1) std::this_thread::yield();
    EXPECT_EQ(0, file.close());
    EXPECT_NE(before, Memory{}) << "the traced thread holds it";
    step = 2;
    traced.join();
    EXPECT_EQ(before, Memory{});
  }
  {
    File file;
    ASSERT_EQ(0, file.init(kWords));
    EXPECT_EQ(0, in_child([&] { return file.close(); }));
    EXPECT_EQ(0, file.enable()) << "a child's close takes nothing from its parent";
    EXPECT_EQ(0, file.disable());
    EXPECT_EQ(0, file.close());
    EXPECT_EQ(before, Memory{});
  }
}

TEST(HostRules, Rule33_a_child_keeps_what_its_parent_closed) {
  File file;
  ASSERT_EQ(0, file.init(kWords));
  int go[2];
  ASSERT_EQ(0, pipe(go));
  const pid_t child = fork();
  if (child == 0) {
    char byte;
    if (read(go[0], &byte, 1) != 1) _exit(1);
    Map map(file.fd(), kWords);
    if (map.error() != 0 || file.enable() != 0) _exit(2);
    run(5);
    if (file.disable() != 0 || map.count() == 0) _exit(3);
    _exit(file.close());
  }
  EXPECT_EQ(0, file.close());
  EXPECT_EQ(1, write(go[1], "", 1));
  int status = 0;
  EXPECT_EQ(child, waitpid(child, &status, 0));
  EXPECT_EQ(0, status);
  close(go[0]);
  close(go[1]);
}

}  // namespace
}  // namespace kcov::test
