// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Dormant call sites (port/host/sites.hpp): which calls are made, and that no record is lost.
#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "sites_support.hpp"

namespace kcov::test {
namespace {

TEST_P(HostSitesOf, A_call_is_made_once_while_nobody_traces_and_again_while_somebody_does) {
  Library library(GetParam());
  Tracer tracer;
  const Records before = tracer.trace([&] { library.run(1); });
  ASSERT_LT(4u, before.size());
  EXPECT_EQ(static_cast<int>(before.size()), made(before)) << "not learnt yet";
  EXPECT_EQ(KCOV_HOST_DORMANT, static_cast<int>(sites().state));
  library.run(1);
  EXPECT_EQ(0, made(before));
  for (int round = 0; round < 50; ++round) {
    EXPECT_EQ(before, tracer.trace([&] {
      EXPECT_EQ(KCOV_HOST_AWAKE, static_cast<int>(sites().state));
      EXPECT_EQ(1u, sites().tracers);
      library.run(1);
    })) << "round "
        << round;
    EXPECT_EQ(static_cast<int>(before.size()), made(before)) << "until it is called again";
    // Others of its page, too.
    library.run(1 + static_cast<unsigned>(round) % 5);
    EXPECT_EQ(0, made(before));
  }
}

TEST_P(HostSitesOf, Comparisons_are_unmade_and_made_too) {
  Library library(GetParam());
  Tracer tracer;
  const auto compare = [&] { library.compare(3, 4); };
  const Records before = tracer.trace(compare, KCOV_TRACE_CMP);
  ASSERT_LE(8u * KCOV_WORDS_PER_CMP, before.size());
  Records pcs;
  for (std::size_t word = 3; word < before.size(); word += KCOV_WORDS_PER_CMP)
    pcs.push_back(before[word]);
  EXPECT_LT(0, made(pcs));
  compare();
  EXPECT_EQ(0, made(pcs));
  EXPECT_EQ(before, tracer.trace(compare, KCOV_TRACE_CMP));
}

TEST_P(HostSitesOf, A_function_that_ends_with_a_jump_to_the_callback_is_still_called) {
  Library library(GetParam());
  Tracer tracer;
  EXPECT_EQ(100u, library.leap_often(100));
  const auto leap = [&] { EXPECT_EQ(20u, library.leap_often(20)); };
  const Records before = tracer.trace(leap);
  EXPECT_EQ(100u, library.leap_often(100));
  EXPECT_EQ(before, tracer.trace(leap));
}

TEST_P(HostSitesOf, Never_is_never) {
  Library library(GetParam());
  Tracer tracer;
  ASSERT_EQ(0, kcov_host_sleep_after(-1));
  const struct kcov_host_sites before = sites();
  EXPECT_EQ(KCOV_HOST_ALWAYS_AWAKE, static_cast<int>(before.state));
  EXPECT_NE(nullptr, before.why);
  const Records pcs = tracer.trace([&] { library.run(1); });
  for (int round = 0; round < 3000; ++round) library.run(1);
  EXPECT_EQ(static_cast<int>(pcs.size()), made(pcs));
  EXPECT_EQ(before.changes, sites().changes);
  EXPECT_EQ(before.sites, sites().sites);
}

TEST_P(HostSitesOf, What_is_dormant_when_it_is_to_be_never_is_made_again) {
  Library library(GetParam());
  Tracer tracer;
  const Records pcs = tracer.trace([&] { library.run(1); });
  library.run(1);
  EXPECT_EQ(0, made(pcs));
  ASSERT_EQ(0, kcov_host_sleep_after(-1));
  EXPECT_EQ(static_cast<int>(pcs.size()), made(pcs));
}

INSTANTIATE_TEST_SUITE_P(, HostSitesOf, testing::ValuesIn(libraries()),
                         [](const auto& path) { return name_of(path.param); });

TEST_F(HostSites, They_sleep_when_nobody_has_traced_for_a_while) {
  ASSERT_EQ(0, kcov_host_sleep_after(100));
  EXPECT_EQ(KCOV_HOST_AWAKE, static_cast<int>(sites().state));
  Tracer tracer;
  const Records pcs = tracer.trace([] {
    // As long as somebody traces they do not, whatever other threads execute.
    std::thread([] {
      const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
      while (std::chrono::steady_clock::now() < end) run(1000);
    }).join();
    EXPECT_EQ(KCOV_HOST_AWAKE, static_cast<int>(sites().state));
    run(3);
  });
  run(3000);
  EXPECT_EQ(KCOV_HOST_AWAKE, static_cast<int>(sites().state)) << "too early";
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (sites().state != KCOV_HOST_DORMANT && std::chrono::steady_clock::now() < end) run(1000);
  EXPECT_EQ(KCOV_HOST_DORMANT, static_cast<int>(sites().state));
  run(3);
  EXPECT_EQ(0, made(pcs));
  EXPECT_EQ(pcs, tracer.trace([] { run(3); }));
}

TEST_F(HostSites, What_a_library_had_is_forgotten_with_it) {
  Tracer tracer;
  const std::uint64_t before = sites().sites;
  for (int round = 0; round < 100; ++round) {
    Library library(libraries()[0]);
    library.run(1);
    EXPECT_LT(before, sites().sites);
  }
  tracer.trace([] {});
  EXPECT_EQ(before, sites().sites);
}

TEST_F(HostSites, Code_that_is_of_no_library_wakes_too) {
  // sub $8, %rsp; call *slot(%rip); add $8, %rsp; ret; and the slot, at 24.
  const unsigned char code[] = {0x48, 0x83, 0xec, 8,    0xff, 0x15, 14,  0,
                                0,    0,    0x48, 0x83, 0xc4, 8,    0xc3};
  void* const page =
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(MAP_FAILED, page);
  std::memcpy(page, code, sizeof code);
  void* const callback = dlsym(RTLD_DEFAULT, "__sanitizer_cov_trace_pc");
  std::memcpy(static_cast<unsigned char*>(page) + 24, &callback, sizeof callback);
  ASSERT_EQ(0, mprotect(page, 4096, PROT_READ | PROT_EXEC));
  const auto generated = reinterpret_cast<void (*)()>(page);
  Tracer tracer;
  const Records pcs = tracer.trace(generated);
  ASSERT_EQ(1u, pcs.size());
  for (int round = 0; round < 5; ++round) {
    generated();
    EXPECT_EQ(0, made(pcs));
    EXPECT_EQ(pcs, tracer.trace(generated));
  }
  generated();
  munmap(page, 4096);
  const std::uint64_t before = sites().sites;
  tracer.trace([] {});
  EXPECT_GT(before, sites().sites);
}

TEST_F(HostSites, The_table_has_four_bytes_for_each) {
  const struct kcov_host_sites now = sites();
  EXPECT_LE(now.table_bytes, ((now.sites + 1023) / 1024 + 1) * 4096 * 3) << "a few lists, in pages";
  EXPECT_EQ(-1, kcov_host_sleep_after(-2));
  EXPECT_EQ(EINVAL, errno);
}

// --- where /proc/self/mem cannot be had ------------------------------------------------

void limit_files(rlim_t most) {
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = most;
  setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_F(HostSites, Without_a_file_descriptor_calls_are_made_as_ever_and_it_says_so) {
  EXPECT_EQ(0, in_child([] {
              Library library(libraries()[0]);
              Tracer tracer;
              const Records before = tracer.trace([&] {
                limit_files(0);
                library.run(1);
              });
              const struct kcov_host_sites asleep = sites();
              EXPECT_EQ(KCOV_HOST_ALWAYS_AWAKE, static_cast<int>(asleep.state));
              EXPECT_NE(nullptr, asleep.why);
              for (int round = 0; round < 3000; ++round) library.run(1);
              EXPECT_EQ(static_cast<int>(before.size()), made(before));
              EXPECT_EQ(before, tracer.trace([&] {
                limit_files(100);
                library.run(1);
              }));
              EXPECT_EQ(KCOV_HOST_DORMANT, static_cast<int>(sites().state)) << "there is one";
              return testing::Test::HasFailure() ? 1 : 0;
            }));
}

TEST_F(HostSites, They_wake_though_no_file_descriptor_is_left) {
  EXPECT_EQ(0, in_child([] {
              Library library(libraries()[0]);
              Tracer tracer;
              const Records before = tracer.trace([&] { library.run(1); });
              library.run(1);
              limit_files(0);
              EXPECT_EQ(0, made(before));
              EXPECT_EQ(before, tracer.trace([&] { library.run(1); }));
              return testing::Test::HasFailure() ? 1 : 0;
            }));
}

TEST_F(HostSites, A_file_that_took_the_number_over_is_not_written_to) {
  EXPECT_EQ(0, in_child([] {
              Library library(libraries()[0]);
              Library other(libraries()[1]);
              Tracer tracer;
              const Records before = tracer.trace([&] { library.run(1); });
              library.run(1);
              const int file = memfd_create("innocent", 0);
              for (int fd = 200; fd < 220; ++fd) dup2(file, fd);
              other.run(1);
              EXPECT_EQ(before, tracer.trace([&] { library.run(1); }));
              EXPECT_EQ(0, lseek(file, 0, SEEK_END));
              for (int fd = 200; fd < 220; ++fd) EXPECT_EQ(0, close(fd)) << "nor closed";
              return testing::Test::HasFailure() ? 1 : 0;
            }));
}

// --- processes --------------------------------------------------------------------------

TEST_F(HostSites, A_forked_child_wakes_and_sleeps_by_itself) {
  Library library(libraries()[0]);
  Tracer tracer;
  const Records pcs = tracer.trace([&] { library.run(1); });
  library.run(1);
  ASSERT_EQ(0, made(pcs));
  EXPECT_EQ(0, in_child([&] {
              Tracer own;
              EXPECT_EQ(0u, sites().tracers);
              EXPECT_EQ(pcs, own.trace([&] {
                library.run(1);
                EXPECT_EQ(1u, sites().tracers);
              }));
              EXPECT_EQ(static_cast<int>(pcs.size()), made(pcs));
              library.run(1);
              EXPECT_EQ(0, made(pcs));
              // With other threads, whose code may come and go.
              std::thread([&] { EXPECT_EQ(pcs, own.trace([&] { library.run(1); })); }).join();
              std::atomic<bool> done = false;
              std::thread bystander([&] {
                while (!done) library.run(2);
              });
              for (int round = 0; round < 20; ++round)
                EXPECT_EQ(pcs, own.trace([&] { library.run(1); }));
              done = true;
              bystander.join();
              return testing::Test::HasFailure() ? 1 : 0;
            }));
  EXPECT_EQ(0, made(pcs)) << "the child's code is its own";
  EXPECT_EQ(pcs, tracer.trace([&] {
    EXPECT_EQ(0, in_child([] {
                // The parent traces, the child does not.
                EXPECT_EQ(0u, sites().tracers);
                run(10);
                EXPECT_EQ(KCOV_HOST_DORMANT, static_cast<int>(sites().state));
                return testing::Test::HasFailure() ? 1 : 0;
              }));
    library.run(1);
  }));
}

TEST_F(HostSites, A_child_that_no_fork_handler_saw_does_not_touch_its_parents_code) {
  Library library(libraries()[0]);
  Tracer tracer;
  const Records pcs = tracer.trace([&] { library.run(1); });
  const long child = syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (child == 0) {
    library.run(1);
    _exit(0);
  }
  int status = -1;
  EXPECT_EQ(child, waitpid(static_cast<pid_t>(child), &status, 0));
  EXPECT_EQ(0, status);
  EXPECT_EQ(static_cast<int>(pcs.size()), made(pcs));
}

// --- everything at once -----------------------------------------------------------------

// Threads that run all libraries, and one that loads and unloads them, until the end.
class Crowd {
 public:
  Crowd() {
    for (const std::string& path : libraries()) lasting_.emplace_back(new Library(path));
    for (unsigned seed = 0; seed < expected_.size(); ++seed)
      expected_[seed] = lasting_[0]->compute(seed);
    for (unsigned number = 0; number < 4; ++number) {
      threads_.emplace_back([this, number] {
        for (unsigned way = number; !done_; ++way) {
          for (const auto& library : lasting_) {
            library->run(way);
            check(*library, way);
          }
          run(3);
        }
      });
    }
    threads_.emplace_back([this] {
      // By another name each is another library.
      const std::vector<std::string> passing = copies();
      for (unsigned round = 0; !done_; ++round) {
        Library library(passing[round % passing.size()]);
        library.run(round);
        library.compare(round, 3);
        Library second(passing[(round + 1) % passing.size()]);
        second.run(round);
        check(second, round);
        ++loads_;
      }
      for (const std::string& path : passing) unlink(path.c_str());
    });
  }
  ~Crowd() {
    done_ = true;
    for (auto& thread : threads_) thread.join();
    EXPECT_EQ(0u, wrong_) << "results";
  }
  Library& lasting() { return *lasting_[0]; }
  unsigned loads() const { return loads_; }

 private:
  static std::vector<std::string> copies() {
    std::vector<std::string> paths;
    for (const std::string& path : libraries()) {
      std::string name = testing::TempDir() + "kcov_sites_XXXXXX";
      const int copy = mkstemp(name.data());
      const int original = open(path.c_str(), O_RDONLY | O_CLOEXEC);
      char bytes[4096];
      for (ssize_t count; (count = read(original, bytes, sizeof bytes)) > 0;)
        EXPECT_EQ(count, write(copy, bytes, static_cast<std::size_t>(count)));
      close(original);
      close(copy);
      paths.push_back(name);
    }
    return paths;
  }

  void check(const Library& library, unsigned seed) {
    seed %= static_cast<unsigned>(expected_.size());
    if (library.compute(seed) != expected_[seed]) ++wrong_;
  }

  std::atomic<bool> done_ = false;
  std::atomic<unsigned> loads_ = 0;
  std::atomic<unsigned> wrong_ = 0;
  std::array<unsigned, 16> expected_{};
  std::vector<std::unique_ptr<Library>> lasting_;
  std::vector<std::thread> threads_;
};

#ifdef KCOV_SANITIZED
constexpr int kToggles = 1000;
#else
constexpr int kToggles = 10000;
#endif

TEST_F(HostSites, Traces_are_complete_however_often_they_wake) {
  Crowd crowd;
  Tracer tracer;
  const auto body = [&] {
    crowd.lasting().run(1);
    run(10);
  };
  const Records expected = tracer.trace(body);
  int wrong = 0;
  const std::uint64_t changes = sites().changes;
  for (int round = 0; round < kToggles; ++round) {
    if (tracer.trace(body) != expected) ++wrong;
    if (round % 3 == 0) body();
  }
  EXPECT_EQ(0, wrong);
  EXPECT_EQ(changes + 2u * kToggles, sites().changes);
  EXPECT_LT(0u, crowd.loads());
}

TEST_F(HostSites, Forking_while_others_wake_them_and_load_libraries) {
  Crowd crowd;
  std::atomic<bool> done = false;
  std::thread toggler([&] {
    Tracer tracer;
    while (!done) tracer.trace([] { run(3); });
  });
  const auto body = [&] {
    crowd.lasting().run(1);
    run(10);
  };
  Records expected = Tracer().trace(body);
  for (int round = 0; round < 100; ++round) {
    EXPECT_EQ(0, in_child([&] {
                Tracer tracer;
                if (tracer.trace(body) != expected) return 1;
                body();
                if (tracer.trace(body) != expected) return 2;
                return 0;
              }));
  }
  done = true;
  toggler.join();
}

sigjmp_buf outside;
std::atomic<int> handled = 0;
std::atomic<int> jumped = 0;
thread_local volatile sig_atomic_t may_jump = 0;  // to this thread's own frame
void (*handler_runs)(unsigned);

// Instrumented code in handlers that come upon anything, and some that do not return.
TEST_F(HostSites, Handlers_run_instrumented_code_and_jump_away) {
  Crowd crowd;
  handler_runs = crowd.lasting().run;
  struct sigaction action {};
  struct sigaction former {};
  action.sa_handler = [](int) {
    const int error = errno;
    const int number = ++handled;
    handler_runs(static_cast<unsigned>(number));
    run(2);
    errno = error;
    if (may_jump && number % 2 == 0) {
      may_jump = 0;
      ++jumped;
      siglongjmp(outside, 1);
    }
  };
  ASSERT_EQ(0, sigaction(SIGALRM, &action, &former));
  const itimerval often{{0, 200}, {0, 200}};
  const itimerval never{};
  Tracer tracer;
  const auto body = [&] {
    crowd.lasting().run(1);
    run(10);
  };
  const Records expected = tracer.trace(body);
  ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, nullptr));
  static int wrong, round;  // a jump leaves them as they are
  wrong = 0;
  for (round = 0; round < kToggles / 10; ++round) {
    if (sigsetjmp(outside, 1) == 0) {
      may_jump = 1;
      for (int times = 0; times < 20; ++times) body();
      may_jump = 0;
    }
    if (tracer.trace(body) != expected) ++wrong;
  }
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &former, nullptr);
  EXPECT_EQ(0, wrong);
  EXPECT_LT(10, handled);
  EXPECT_LT(1, jumped);
}

}  // namespace
}  // namespace kcov::test
