// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The core's descriptor where a real port cannot be made to go: memory that runs
// out at each point, lost races, tasks that are not there, comparisons, contexts.
#include <gtest/gtest.h>

#include <thread>

#include "core_test.hpp"

namespace kcov::test {
namespace {

// Every call that allocates, failing at its first, second, ... allocation.
TEST_F(Core, Allocation_failure_at_every_point_leaves_the_descriptor_as_it_was) {
  int failures = 0;
  for (int point = 0;; ++point) {
    world->allocations_until_failure = point;
    auto* const descriptor = Descriptor<FakePort>::open();
    if (descriptor == nullptr) {
      ++failures;
      EXPECT_EQ(0, world->live_blocks);
      continue;
    }
    const int result = descriptor->control(KCOV_INIT_TRACE, kWords);
    const bool failed = result == kNoMemory;
    EXPECT_TRUE(failed || result == 0);
    world->allocations_until_failure = -1;
    if (failed) {
      ++failures;
      Mapping mapping;
      EXPECT_EQ(kInvalid, descriptor->map(0, kWords * 8, mapping));
      EXPECT_EQ(kInvalid, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
      EXPECT_EQ(kInvalid, descriptor->control(KCOV_INIT_TRACE, 1));
      EXPECT_EQ(0, descriptor->control(KCOV_INIT_TRACE, kWords)) << "it can be tried again";
    }
    // An initialised descriptor that is asked again, without memory for it.
    world->allocations_until_failure = 0;
    EXPECT_EQ(kNoMemory, descriptor->control(KCOV_INIT_TRACE, kWords));
    world->allocations_until_failure = -1;
    EXPECT_EQ(kBusy, descriptor->control(KCOV_INIT_TRACE, kWords));
    EXPECT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
    EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
    descriptor->close();
    EXPECT_EQ(0, world->live_blocks + world->live_areas);
    if (!failed) break;
  }
  EXPECT_EQ(2, failures);
}

// The fake port aborts when memory is asked for, or an area given back, under a lock.
TEST_F(Core, Rule07_allocation_is_outside_the_lock_and_a_loser_frees_its_own) {
  for (int round = 0; round < 200; ++round) {
    auto* const descriptor = opened();
    std::atomic<int> winners = 0;
    std::vector<std::thread> threads;
    for (int number = 0; number < 4; ++number)
      threads.emplace_back([&] { winners += descriptor->control(KCOV_INIT_TRACE, kWords) == 0; });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(1, winners);
    EXPECT_EQ(1, world->live_areas);
    descriptor->close();
  }
}

TEST_F(Core, Rule14_comparisons_need_support_and_a_failed_enable_changes_nothing) {
  auto* const descriptor = Descriptor<FakePortWithoutComparisons>::open();
  ASSERT_EQ(0, descriptor->control(KCOV_INIT_TRACE, kWords));
  EXPECT_EQ(kNotSupported, descriptor->control(KCOV_ENABLE, KCOV_TRACE_CMP));
  EXPECT_EQ(kInvalid, descriptor->control(KCOV_ENABLE, 2));
  EXPECT_EQ(nullptr, world->task.bound.descriptor);
  EXPECT_EQ(KCOV_MODE_OFF, world->task.mode);
  EXPECT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
  descriptor->close();
}

TEST_F(Core, Rule24_capacity_of_comparisons_is_a_quarter_of_what_is_left_rounded_down) {
  for (const std::uint64_t words : {2u, 4u, 5u, 8u, 9u, 16u, 17u}) {
    auto* const descriptor = initialized(words);
    EXPECT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_CMP));
    EXPECT_EQ((words - 1) / 4, world->task.bound.capacity);
    EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
    EXPECT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
    EXPECT_EQ(words - 1, world->task.bound.capacity);
    EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
    descriptor->close();
  }
}

TEST_F(Core, Rule25_the_count_is_stored_before_the_record) {
  auto* const descriptor = initialized();
  std::uint64_t* const area = area_of(*descriptor);
  ASSERT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  world->nested_pc = 0x2222;
  trace_pc<FakePort>(0x1111);
  EXPECT_EQ(2u, area[0]);
  EXPECT_EQ(0x1111u, area[1]);
  EXPECT_EQ(0x2222u, area[2]) << "the nested callback took the next record";
  EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
  descriptor->close();
}

TEST_F(Core, Rule26_word_0_holds_a_count_whatever_was_stored_there) {
  for (const std::uint64_t words : {2u, 3u, 16u}) {
    auto* const descriptor = initialized(words);
    std::uint64_t* const area = area_of(*descriptor, words);
    ASSERT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
    std::uint64_t dropped = 0;
    for (const std::uint64_t value : {words - 1, words, words + 1, std::uint64_t{1} << 61,
                                      ~std::uint64_t{0} - 1, ~std::uint64_t{0}}) {
      area[0] = value;
      trace_pc<FakePort>(0x1111);
      ++dropped;
      EXPECT_EQ(value, area[0]);
      for (std::uint64_t word = 1; word < words; ++word) EXPECT_EQ(0u, area[word]);
    }
    area[0] = words - 2;
    trace_pc<FakePort>(0x3333);
    EXPECT_EQ(words - 1, area[0]);
    EXPECT_EQ(0x3333u, area[words - 1]);
    std::uint64_t counted = 0;
    EXPECT_EQ(0, descriptor->control(KCOV_GET_DROPPED, reinterpret_cast<std::uintptr_t>(&counted)));
    EXPECT_EQ(dropped, counted);
    EXPECT_EQ(kFault, descriptor->control(KCOV_GET_DROPPED, 0));
    EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
    descriptor->close();
  }
}

TEST_F(Core, Rule26_no_count_of_comparisons_makes_a_record_land_outside_the_buffer) {
  constexpr std::uint64_t kRecords = 3;
  auto* const descriptor = initialized(kWords);  // three records, and three words left over
  std::uint64_t* const area = area_of(*descriptor);
  ASSERT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_CMP));
  // Near 2^59 the product of a count and 32 wraps around.
  for (const std::uint64_t value :
       {kRecords, kRecords + 1, std::uint64_t{1} << 59, (std::uint64_t{1} << 59) - 1,
        (std::uint64_t{1} << 59) + 1, std::uint64_t{1} << 62, ~std::uint64_t{0} >> 2,
        ~std::uint64_t{0}}) {
    area[0] = value;
    trace_cmp<FakePort>(KCOV_CMP_SIZE(3u), 1, 2, 0x1111);
    EXPECT_EQ(value, area[0]);
    for (std::uint64_t word = 1; word < kWords; ++word) EXPECT_EQ(0u, area[word]) << value;
  }
  area[0] = kRecords - 1;
  trace_cmp<FakePort>(KCOV_CMP_SIZE(3u), 1, 2, 0x1111);
  EXPECT_EQ(kRecords, area[0]);
  EXPECT_EQ(KCOV_CMP_SIZE(3u), area[9]);
  EXPECT_EQ(0x1111u, area[12]);
  for (const std::uint64_t word : {8, 13, 14, 15}) EXPECT_EQ(0u, area[word]);
  EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
  descriptor->close();
}

TEST_F(Core, Rule25_a_nested_comparison_takes_the_next_record) {
  auto* const descriptor = initialized();
  std::uint64_t* const area = area_of(*descriptor);
  ASSERT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_CMP));
  world->nested_cmp_pc = 0x2222;
  trace_cmp<FakePort>(KCOV_CMP_SIZE(0u), 5, 6, 0x1111);
  const std::uint64_t expected[] = {2, KCOV_CMP_SIZE(0u), 5, 6, 0x1111, 0, 0, 0, 0x2222};
  for (std::size_t word = 0; word < std::size(expected); ++word)
    EXPECT_EQ(expected[word], area[word]) << word;
  EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
  descriptor->close();
}

TEST_F(Core, Rule27_callbacks_of_the_other_kind_write_nothing) {
  auto* const descriptor = initialized();
  std::uint64_t* const area = area_of(*descriptor);
  ASSERT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_CMP));
  trace_pc<FakePort>(0x1111);
  EXPECT_EQ(0u, area[0]);
  EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
  ASSERT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  const std::uint64_t cases[] = {1, 32, 7};
  trace_cmp<FakePort>(KCOV_CMP_SIZE(2u), 1, 2, 0x1111);
  trace_switch<FakePort>(7, cases, 0x1111);
  EXPECT_EQ(0u, area[0]);
  EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
  descriptor->close();
}

TEST_F(Core, Rule27_a_switch_records_a_constant_comparison_for_each_case) {
  const struct {
    std::uint64_t bits;
    std::uint64_t type;
  } widths[] = {{8, 1}, {16, 3}, {32, 5}, {64, 7}, {0, 0}, {24, 0}, {128, 0}, {~0ull, 0}};
  for (const auto& [bits, type] : widths) {
    auto* const descriptor = initialized();
    std::uint64_t* const area = area_of(*descriptor);
    ASSERT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_CMP));
    const std::uint64_t cases[] = {2, bits, 0x11, 0x12};
    trace_switch<FakePort>(0x12, cases, 0x4444);
    if (type == 0) {
      EXPECT_EQ(0u, area[0]) << bits;
    } else {
      const std::uint64_t expected[] = {2, type, 0x11, 0x12, 0x4444, type, 0x12, 0x12, 0x4444};
      for (std::size_t word = 0; word < std::size(expected); ++word)
        EXPECT_EQ(expected[word], area[word]) << bits << ", word " << word;
    }
    EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
    descriptor->close();
  }
}

TEST_F(Core, Rule28_nothing_is_recorded_in_interrupts_nor_during_a_switch) {
  auto* const descriptor = initialized();
  std::uint64_t* const area = area_of(*descriptor);
  ASSERT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  for (const Context context : {Context::soft_interrupt, Context::hard_interrupt}) {
    world->context = context;
    trace_pc<FakePort>(0x1111);
    EXPECT_EQ(0u, area[0]);
  }
  world->context = Context::task;
  kcov_begin_switch(&world->task);
  trace_pc<FakePort>(0x1111);
  EXPECT_EQ(0u, area[0]);
  kcov_end_switch(&world->task);
  trace_pc<FakePort>(0x1111);
  EXPECT_EQ(1u, area[0]);
  EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
  descriptor->close();
}

TEST_F(Core, A_callback_before_the_first_task_records_nothing) {
  auto* const descriptor = initialized();
  world->current = nullptr;
  trace_pc<FakePort>(0x1111);
  EXPECT_EQ(kBusy, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  EXPECT_EQ(kInvalid, descriptor->control(KCOV_DISABLE, 0));
  descriptor->close();
}

TEST_F(Core, Rule31_a_new_task_is_untraced_and_inherits_the_common_handle) {
  auto* const descriptor = initialized();
  world->task.common_handle = 77;
  ASSERT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  kcov_task_state child = world->task;
  task_init(child, world->task.common_handle);
  EXPECT_EQ(KCOV_MODE_OFF, child.mode);
  EXPECT_EQ(nullptr, child.bound.descriptor);
  EXPECT_EQ(nullptr, child.bound.area);
  EXPECT_EQ(77u, child.common_handle);
  EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
  descriptor->close();
}

TEST_F(Core, Rule33_the_file_and_the_task_each_hold_a_reference) {
  auto* descriptor = initialized();
  ASSERT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  descriptor->close();
  EXPECT_EQ(1, world->live_areas) << "the task holds it";
  trace_pc<FakePort>(0x1111);
  task_exit<FakePort>(world->task);
  EXPECT_EQ(0, world->live_areas + world->live_blocks);
  EXPECT_EQ(nullptr, world->task.bound.area);
  trace_pc<FakePort>(0x1111);

  descriptor = initialized();
  ASSERT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  task_exit<FakePort>(world->task);
  EXPECT_EQ(1, world->live_areas) << "the file holds it";
  task_exit<FakePort>(world->task);
  descriptor->close();
}

TEST_F(Core, Exit_of_a_task_that_is_not_the_owner_warns_and_takes_no_reference) {
  auto* const descriptor = initialized();
  ASSERT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  kcov_task_state impostor = world->task;
  task_exit<FakePort>(impostor);
  EXPECT_EQ(1, world->warnings.exchange(0));
  EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
  descriptor->close();
}

}  // namespace
}  // namespace kcov::test
