// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Contract 28 and 29: whose code is recorded, and in which contexts.
#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "rules.hpp"

namespace kcov::conformance {
namespace {

// Turns of an empty loop.
void spin(std::uint64_t turns) {
  for (std::uint64_t turn = 0; turn < turns; ++turn) asm volatile("");
}

// How many turns take about a second.
std::uint64_t turns_of_a_second() {
  const auto now = [] {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1000000000 +
           static_cast<std::uint64_t>(time.tv_nsec);
  };
  for (std::uint64_t turns = 1 << 20;; turns *= 2) {
    const std::uint64_t begin = now();
    spin(turns);
    const std::uint64_t took = now() - begin;
    if (took > 50000000) return turns * (1000000000 / 1000) / (took / 1000);
  }
}

RULE(28, a_second_in_user_space_records_nothing) {
  if (subject.host) {
    not_here("a kernel below the program that interrupts it");
    return;
  }
  const std::uint64_t turns = turns_of_a_second();
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  map.clear();
  EXPECT(file.enable(), 0);
  const std::uint64_t before = map.load(0);
  spin(turns);
  const std::uint64_t after = map.load(0);
  EXPECT(file.disable(), 0);
  // Stock on x86_64 records the way back to user space of every interrupt that switched.
  if (subject.stock) {
    if (after != before) stock_differs("it records being preempted, at random");
    return;
  }
  EXPECT(after, before);
  for (std::uint64_t record = before; record < after && record < kWords - 1; ++record)
    std::printf("  0x%llx\n", static_cast<unsigned long long>(map.load(record + 1)));
}

RULE(28, interrupts_and_switches_record_nothing) {
  // Large: who sleeps may spin for his timer while another CPU runs it, some thousand records.
  constexpr std::size_t kLarge = 1 << 18;
  const File file;
  EXPECT(file.init(kLarge), 0);
  const Map map(file, kLarge * 8);
  map.clear();
  int seen = 0;
  for (const kcov_test_context context :
       {KCOV_TEST_HARD, KCOV_TEST_TASKLET, KCOV_TEST_TIMER, KCOV_TEST_NMI}) {
    EXPECT(file.enable(), 0);
    map.store(0, 0);
    const long status = run({blocks(2), enter(context, blocks(7)), blocks(2)});
    EXPECT(file.disable(), 0);
    if (status == -EOPNOTSUPP) {
      not_here(context == KCOV_TEST_NMI ? "an NMI on request" : "a soft interrupt");
      continue;
    }
    EXPECT(status, 0);
    // The two that the task ran itself, before and after.
    EXPECT(map.own_pcs(), 2 * pcs_of_work());
    ++seen;
  }
  EXPECT(seen > 0, true);
  // A switch away and back: what is recorded is the way there, not the other task's.
  EXPECT(file.enable(), 0);
  map.store(0, 0);
  EXPECT(run({blocks(2), sleep_for(20), blocks(2)}), 0);
  EXPECT(file.disable(), 0);
  EXPECT(map.own_pcs(), 2 * pcs_of_work());
  if (TestFile::ranges().switching.begin == 0) not_here("instrumented code of a switch itself");
  EXPECT(map.pcs_within(TestFile::ranges().switching), 0);
  EXPECT(map.load(0) < kLarge - 1, true);
}

RULE(28, what_a_dead_task_left_is_not_the_next_ones) {
  if (subject.host) {
    not_here("a scheduler of kcov's own system");
    return;
  }
  // On one CPU, so that this task is the next one that runs with an address space.
  cpu_set_t before;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  EXPECT(sched_getaffinity(0, sizeof before, &before), 0);
  EXPECT(sched_setaffinity(0, sizeof one, &one), 0);
  constexpr std::size_t kLarge = 1 << 16;
  const File file;
  EXPECT(file.init(kLarge), 0);
  const Map map(file, kLarge * 8);
  map.clear();
  std::size_t drops = 0;
  for (int round = 0; round < 5; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      usleep(20000);
      _exit(0);
    }
    EXPECT(file.enable(), 0);
    map.store(0, 0);
    EXPECT(waitpid(child, nullptr, 0), child);
    EXPECT(file.disable(), 0);
    drops += map.pcs_within(TestFile::ranges().mm_drop);
    EXPECT(map.load(0) < kLarge - 1, true);
  }
  EXPECT(sched_setaffinity(0, sizeof before, &before), 0);
  if (!subject.stock) {
    EXPECT(drops, 0);
  } else if (drops != 0) {
    stock_differs("it records the freeing, thousands of records");
  }
}

RULE(29, only_the_enabling_task_is_traced) {
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  map.clear();
  // Another thread's work is nowhere in it: while we spin, it works.
  std::atomic<int> rounds = 0;
  std::atomic<bool> end = false;
  std::thread other([&] {
    while (!end) {
      work();
      ++rounds;
    }
  });
  EXPECT(file.enable(), 0);
  map.store(0, 0);
  const int first = rounds;
  while (rounds < first + 500) asm volatile("");
  EXPECT(map.own_pcs(), 0);
  EXPECT(file.disable(), 0);
  end = true;
  other.join();
  // Nor is a kernel thread's, or a worker's.
  for (const kcov_test_context context : {KCOV_TEST_KTHREAD, KCOV_TEST_WORK}) {
    EXPECT(file.enable(), 0);
    map.store(0, 0);
    EXPECT(run(enter(context, blocks(3))), 0);
    EXPECT(map.own_pcs(), 0);
    EXPECT(map.load(0) < kWords - 1, true);  // there was room for them
    EXPECT(file.disable(), 0);
  }
}

// The records of a few system calls, or of the port's own traced code.
std::vector<std::uint64_t> one_trace(const File& file, const Map& map, TestFile& test) {
  kcov_test_program program = program_of(blocks(3));
  EXPECT(file.enable(), 0);
  map.store(0, 0);
  (void)!::read(-1, nullptr, 0);
  EXPECT(test.run(program), 0);
  (void)!::read(-1, nullptr, 0);
  const std::uint64_t count = map.load(0);
  EXPECT(file.disable(), 0);
  std::vector<std::uint64_t> trace;
  for (std::uint64_t record = 1; record <= count && record < kWords; ++record)
    trace.push_back(map.load(record));
  return trace;
}

RULE(29, a_thousand_traces_on_four_CPUs_at_once_are_each_that_of_the_task_alone) {
  constexpr int kTasks = 4;
  constexpr int kRounds = 1000;
  std::atomic<int> ready = 0;
  std::atomic<int> different = 0;
  std::atomic<std::size_t> length = 0;
  const auto trace_alone_then_together = [&](int number) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(number, &cpus);
    // Where there is no such CPU they share one: preempted, where they may be.
    (void)::sched_setaffinity(0, sizeof cpus, &cpus);
    TestFile test;
    const File file;
    EXPECT(file.init(), 0);
    const Map map(file);
    map.clear();
    while (ready != number) std::this_thread::yield();
    one_trace(file, map, test);  // what is done only once
    const std::vector<std::uint64_t> alone = one_trace(file, map, test);
    length = alone.size();
    ++ready;
    while (ready != kTasks) std::this_thread::yield();
    for (int round = 0; round < kRounds; ++round) different += one_trace(file, map, test) != alone;
  };
  std::vector<std::thread> tasks;
  for (int number = 0; number < kTasks; ++number)
    tasks.emplace_back(trace_alone_then_together, number);
  for (std::thread& task : tasks) task.join();
  if (subject.stock) {
    // As in rule 28; and when it was in the one that was taken alone, all others differ from that.
    if (different != 0) stock_differs("being preempted is in some of the traces, at random");
  } else {
    EXPECT(different, 0);
  }
  EXPECT(length >= pcs_of_work(), true);
}

}  // namespace
}  // namespace kcov::conformance
