// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Contract 20 to 23 and 34 to 37: remote coverage.
#include <atomic>
#include <thread>

#include "rules.hpp"

namespace kcov::conformance {
namespace {

constexpr kcov_test_context kSoft[] = {KCOV_TEST_TASKLET, KCOV_TEST_TIMER};

// A file that this thread enabled for remote coverage, and its buffer.
struct Remote {
  explicit Remote(const RemoteArgument& argument, std::size_t words = kWords)
      : initialized(file.init(words)), map(file, words * 8) {
    map.clear();
    EXPECT(initialized, 0);
    EXPECT(remote_enable(file, argument), 0);
  }
  ~Remote() { EXPECT(file.disable(), 0); }
  File file;
  long initialized;
  Map map;
};

RULE(20, the_errors_of_remote_enable_in_their_order) {
  // Wrong in every way.
  RawArgument wrong({.handles = {usb(1), std::uint64_t{1} << 40}, .common = usb(1), .mode = 9});
  wrong.arg().num_handles = 257;
  const File file;
  EXPECT(file.control(KCOV_REMOTE_ENABLE, 8), -EFAULT);
  EXPECT(wrong.enable(file), -EINVAL);
  wrong.arg().num_handles = 2;
  EXPECT(wrong.enable(file), -EINVAL);  // not initialised
  EXPECT(file.init(), 0);
  const File other;
  EXPECT(other.init(), 0);
  EXPECT(remote_enable(other, {.handles = {usb(2)}}), 0);
  EXPECT(wrong.enable(file), -EBUSY);
  EXPECT(wrong.enable(other), -EINVAL);  // enabled already
  EXPECT(in_thread([&] {
           EXPECT(wrong.enable(file), -EINVAL);  // the mode
           wrong.arg().trace_mode = KCOV_TRACE_CMP;
           EXPECT(wrong.enable(file), -EINVAL);  // the second handle
           for (const std::uint64_t bad :
                {common(1), std::uint64_t{0}, usb(1) | std::uint64_t{1} << 32,
                 std::uint64_t{2} << 56 | 1, ~std::uint64_t{0}})
             EXPECT(remote_enable(file, {.handles = {bad}}), -EINVAL);
           EXPECT(remote_enable(file, {.common = usb(1)}), -EINVAL);
           // Handle by handle: what is wrong with the first one counts.
           EXPECT(remote_enable(file, {.handles = {usb(2), 0}}), -EEXIST);
           EXPECT(remote_enable(file, {.handles = {0, usb(2)}}), -EINVAL);
           EXPECT(remote_enable(file, {.handles = {usb(1), usb(2)}}), -EEXIST);
           EXPECT(remote_enable(file, {.handles = {usb(1), usb(1)}}), -EEXIST);
           std::vector<std::uint64_t> many;
           for (std::uint64_t i = 0; i < 256; ++i) many.push_back(usb(1000 + i));
           EXPECT(remote_enable(file, {.handles = many, .common = common(1)}), 0);
           EXPECT(file.disable(), 0);
           return 0l;
         }),
         0);
  EXPECT(other.disable(), 0);
}

RULE(20, a_number_of_handles_that_changes_under_our_feet_is_EINVAL_or_as_read) {
  RawArgument raced({.handles = {usb(11), usb(12)}, .area_size = 64});
  std::atomic<bool> end = false;
  std::thread writer([&] {
    for (std::uint32_t count = 0; !end; ++count)
      __atomic_store_n(&raced.arg().num_handles, 1 + (count & 1), __ATOMIC_RELAXED);
  });
  const File file;
  EXPECT(file.init(), 0);
  for (int round = 0; round < 2000; ++round) {
    const long result = raced.enable(file);
    if (result == 0) {
      EXPECT(file.disable(), 0);
    } else {
      EXPECT(result, -EINVAL);
    }
  }
  end = true;
  writer.join();
}

RULE(21, a_failure_rolls_back_fully) {
  const File file;
  const File other;
  EXPECT(file.init(), 0);
  EXPECT(other.init(), 0);
  EXPECT(remote_enable(file, {.handles = {usb(1), 0}, .common = common(1)}), -EINVAL);
  EXPECT(remote_enable(file, {.handles = {usb(1)}, .common = usb(1)}), -EINVAL);
  EXPECT(remote_enable(file, {.handles = {usb(1), usb(1)}, .common = common(1)}), -EEXIST);
  EXPECT(file.disable(), -EINVAL);
  EXPECT(remote_enable(other, {.handles = {usb(1)}, .common = common(1)}), 0);
  EXPECT(other.disable(), 0);
  EXPECT(file.enable(), 0);
  EXPECT(file.disable(), 0);
  EXPECT(remote_enable(file, {.handles = {usb(1)}, .common = common(1)}), 0);
  EXPECT(file.disable(), 0);
}

RULE(22, a_remote_descriptor_records_nothing_of_its_own_thread) {
  const File local;
  EXPECT(local.init(), 0);
  const Map records(local);
  records.clear();
  Remote remote({.handles = {usb(1)}});
  work();
  EXPECT(remote.map.load(0), 0);
  EXPECT(remote.file.enable(), -EINVAL);
  // Ours lets one thread be both, with two descriptors, as newer kernels do.
  EXPECT(local.enable(), subject.stock ? -EBUSY : 0);
  if (!subject.stock) {
    work();
    EXPECT(local.disable(), 0);
    EXPECT(records.own_pcs(), pcs_of_work());
  }
  EXPECT(remote.map.load(0), 0);
}

RULE(23, an_area_of_no_words_is_EINVAL) {
  const File file;
  EXPECT(file.init(), 0);
  // Stock accepts it, and complains when the first section begins.
  EXPECT(remote_enable(file, {.handles = {usb(1)}, .area_size = 0}), subject.stock ? 0 : -EINVAL);
  if (subject.stock) EXPECT(file.disable(), 0);
  EXPECT(remote_enable(file, {.handles = {usb(1)}, .area_size = 1}), 0);
  EXPECT(file.disable(), 0);
}

RULE(34, malformed_and_nested_warn_unknown_and_unstarted_are_silent) {
  EXPECT(warnings(), 0);
  EXPECT(run({start(usb(1) | std::uint64_t{1} << 33), stop()}), 0);
  EXPECT(warnings(), 1);
  EXPECT(run({start(std::uint64_t{9} << 56 | 1), stop()}), 0);
  // Each warning of stock's own is given as often as it is met; so is ours.
  EXPECT(warnings(), 1);
  for (const std::uint64_t unknown : {std::uint64_t{0}, usb(1), common(1)})
    EXPECT(run({start(unknown), blocks(1), stop()}), 0);
  EXPECT(run(stop()), 0);
  EXPECT(run(enter(KCOV_TEST_KTHREAD, stop())), 0);
  EXPECT(warnings(), 0);
  // Large: what a kernel does to print a warning is recorded by the section it warns of.
  constexpr std::uint32_t kLarge = 1 << 18;
  const Remote remote({.handles = {usb(1)}, .area_size = kLarge}, kLarge);
  const Steps nested = {start(usb(1)), blocks(2), start(usb(1)), stop(), stop()};
  for (const kcov_test_context context : {KCOV_TEST_KTHREAD, kSoft[0], kSoft[1]}) {
    remote.map.store(0, 0);
    const long status = run(enter(context, nested));
    if (status == -EOPNOTSUPP) {
      not_here("a soft interrupt");
      continue;
    }
    EXPECT(status, 0);
    EXPECT(warnings(), 1);
    EXPECT(remote.map.own_pcs(), pcs_of_work());
  }
  // Hard interrupts are ignored, in the midst of a section too.
  remote.map.store(0, 0);
  EXPECT(run(enter(KCOV_TEST_HARD, {start(usb(1)), blocks(2), stop()})), 0);
  EXPECT(run(enter(KCOV_TEST_KTHREAD,
                   {start(usb(1)), blocks(2),
                    enter(KCOV_TEST_HARD, {start(usb(1)), blocks(2), stop(), stop()}), stop()})),
         0);
  EXPECT(remote.map.own_pcs(), pcs_of_work());
  EXPECT(warnings(), 0);
}

RULE(34, a_section_in_a_traced_task_warns_and_its_stop_ends_nothing) {
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  map.clear();
  if (subject.stock) {
    stock_differs("its stop takes the task's own buffer and reference away: not run");
    return;
  }
  EXPECT(file.enable(), 0);
  EXPECT(run({stop(), blocks(2)}), 0);
  EXPECT(map.own_pcs(), pcs_of_work());
  EXPECT(run({start(usb(1)), stop(), blocks(2)}), 0);
  EXPECT(file.disable(), 0);
  EXPECT(warnings(), 1);
}

RULE(35, sections_of_tasks_are_merged_when_they_stop) {
  const Remote remote({.handles = {usb(1)}, .common = common(1)});
  TestFile test;
  kcov_test_program slow =
      program_of({start(usb(1)), blocks(2), gate(), blocks(2), stop(), blocks(2)}, true);
  EXPECT(test.run(slow), 0);
  EXPECT(test.arrived(), 0);
  EXPECT(remote.map.load(0), 0);  // it has not stopped
  for (const kcov_test_context context : {KCOV_TEST_KTHREAD, KCOV_TEST_WORK})
    EXPECT(run(enter(context, {start(common(1)), blocks(2), stop(), blocks(2)})), 0);
  EXPECT(remote.map.own_pcs(), 2 * pcs_of_work());
  EXPECT(test.open_gate(), 0);
  EXPECT(test.join(), 0);
  EXPECT(remote.map.own_pcs(), 4 * pcs_of_work());
}

RULE(35, sections_of_soft_interrupts_are_merged) {
  const Remote remote({.handles = {usb(1)}});
  std::size_t sections = 0;
  for (const kcov_test_context context : kSoft) {
    const long status =
        run(enter(context, {blocks(2), start(usb(1)), blocks(2), stop(), blocks(2)}));
    if (status == -EOPNOTSUPP) {
      not_here("a soft interrupt");
      continue;
    }
    EXPECT(status, 0);
    ++sections;
    EXPECT(remote.map.own_pcs(), sections * pcs_of_work());
  }
}

RULE(35, whole_records_only_and_what_does_not_fit_is_counted) {
  // An area of 64 words: 63 PCs, or 15 comparisons.
  for (const std::uint32_t mode : {KCOV_TRACE_PC, KCOV_TRACE_CMP}) {
    const Remote remote({.handles = {usb(1)}, .mode = mode, .area_size = 64});
    const Steps section = enter(
        KCOV_TEST_KTHREAD, {start(usb(1)), blocks(100), compare(), compare(), compare(), stop()});
    const std::uint64_t room = mode == KCOV_TRACE_PC ? 63 : 15;
    EXPECT(run(section), 0);
    EXPECT(remote.map.load(0), room);
    EXPECT(run(section), 0);
    EXPECT(remote.map.load(0), 2 * room);
    if (!subject.stock) EXPECT(remote.file.dropped() > 20, true);
    // A buffer with room for one record, and a count that is none.
    const std::uint64_t capacity = (kWords - 1) / (mode == KCOV_TRACE_PC ? 1 : 4);
    for (const auto& [count, after] : {std::pair{capacity - 1, capacity},
                                       {capacity, capacity},
                                       {capacity + 1, capacity + 1},
                                       {std::uint64_t{1} << 59, std::uint64_t{1} << 59},
                                       {~std::uint64_t{0}, ~std::uint64_t{0}}}) {
      remote.map.store(kWords - 1, 0);
      remote.map.store(1, 0);
      remote.map.store(0, count);
      EXPECT(run(section), 0);
      EXPECT(remote.map.load(0), after);
      EXPECT(remote.map.load(1), 0);
    }
  }
}

RULE(35, a_section_of_an_earlier_enable_is_not_merged) {
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  map.clear();
  for (const bool again : {false, true}) {
    EXPECT(remote_enable(file, {.handles = {usb(1)}}), 0);
    TestFile test;
    kcov_test_program program = program_of({start(usb(1)), blocks(2), gate(), stop()}, true);
    EXPECT(test.run(program), 0);
    EXPECT(test.arrived(), 0);
    EXPECT(file.disable(), 0);
    if (again) EXPECT(remote_enable(file, {.handles = {usb(1)}}), 0);
    EXPECT(test.open_gate(), 0);
    EXPECT(test.join(), 0);
    if (again) EXPECT(file.disable(), 0);
    EXPECT(map.load(0), 0);
  }
}

RULE(36, a_soft_interrupts_section_leaves_the_task_it_came_upon_untouched) {
  // Another thread stands for the remote descriptor: stock lets no thread be both.
  const File remote;
  EXPECT(remote.init(), 0);
  const Map sections(remote);
  sections.clear();
  std::atomic<int> step = 0;
  std::thread owner([&] {
    EXPECT(remote_enable(remote, {.handles = {usb(1)}}), 0);
    step = 1;
    while (step != 2) std::this_thread::yield();
    EXPECT(remote.disable(), 0);
  });
  while (step != 1) std::this_thread::yield();
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  map.clear();
  std::size_t seen = 0;
  for (const kcov_test_context context : kSoft) {
    const Steps steps = {blocks(2), enter(context, {start(usb(1)), blocks(2), stop()}), blocks(2)};
    EXPECT(file.enable(), 0);
    map.store(0, 0);
    const long status = run(steps);
    EXPECT(file.disable(), 0);
    if (status == -EOPNOTSUPP) {
      not_here("a soft interrupt");
      continue;
    }
    EXPECT(status, 0);
    EXPECT(map.own_pcs(), 2 * pcs_of_work());
    ++seen;
    EXPECT(sections.own_pcs(), seen * pcs_of_work());
    // Upon a task's section: both are merged.
    EXPECT(
        run(enter(KCOV_TEST_KTHREAD, {start(usb(1)), blocks(2),
                                      enter(context, {start(usb(1)), blocks(2), stop()}), stop()})),
        0);
    seen += 2;
    EXPECT(sections.own_pcs(), seen * pcs_of_work());
  }
  step = 2;
  owner.join();
}

RULE(36, a_section_that_a_soft_interrupt_left_behind_is_not_the_tasks) {
  if (subject.stock) {
    stock_differs("what the task executes goes into the section: not run");
    return;
  }
  const Remote remote({.handles = {usb(1)}});
  for (const kcov_test_context context : kSoft) {
    remote.map.store(0, 0);
    const long status =
        run({enter(context, start(usb(1))), blocks(2), compare(), enter(context, stop())});
    if (status == -EOPNOTSUPP) {
      not_here("a soft interrupt");
      continue;
    }
    EXPECT(status, 0);
    EXPECT(remote.map.own_pcs(), 0);
  }
}

RULE(37, whoever_sees_the_count_sees_the_records) {
  const Remote remote({.handles = {usb(1)}});
  const auto* const words = static_cast<const std::uint64_t*>(remote.map.memory());
  for (int pass = 0; pass < 10; ++pass) {
    remote.map.clear();
    std::atomic<bool> end = false;
    std::thread worker([&] {
      while (!end) run(enter(KCOV_TEST_KTHREAD, {start(usb(1)), blocks(20), stop()}));
    });
    std::uint64_t count = 0;
    while (count < kWords / 2) {
      count = __atomic_load_n(words, __ATOMIC_ACQUIRE);
      for (std::uint64_t record = 1; record <= count && record < kWords; ++record) {
        if (remote.map.load(record) == 0) EXPECT(record, 0);
      }
      std::this_thread::yield();
    }
    end = true;
    worker.join();
  }
}

}  // namespace
}  // namespace kcov::conformance
