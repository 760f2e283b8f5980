// SPDX-License-Identifier: GPL-2.0-only OR MIT
// KCOV_REMOTE_ENABLE (contract 20 to 22), and what it leaves with the thread that asked.
#include "section_fixture.hpp"

namespace kcov::test {
namespace {

TEST_F(Section, Rule20_the_errors_in_their_order) {
  auto* const descriptor = opened();
  Argument argument({kUsb, 7ull << 40}, 7, 9, 0);  // wrong in every way
  EXPECT_EQ(kFault, descriptor->control(KCOV_REMOTE_ENABLE, 0));
  world->copies_until_failure = 1;
  EXPECT_EQ(kFault, enable(*descriptor, argument)) << "its second half cannot be read";
  world->copies_until_failure = -1;
  argument.arg().num_handles = 257;
  EXPECT_EQ(kInvalid, enable(*descriptor, argument));
  argument.arg().num_handles = 2;
  world->after_copy = [&] { argument.arg().num_handles = 1; };
  EXPECT_EQ(kInvalid, enable(*descriptor, argument)) << "changed under our feet";
  world->after_copy = nullptr;
  argument.arg().num_handles = 2;
  EXPECT_EQ(kInvalid, enable(*descriptor, argument)) << "not initialised";
  ASSERT_EQ(0, descriptor->control(KCOV_INIT_TRACE, kWords));

  auto* const other = initialized();
  ASSERT_EQ(0, enable(*other, Argument({kSubsystemUsb | 2})));
  EXPECT_EQ(kBusy, enable(*descriptor, argument));
  {
    const As worker(worker_);
    EXPECT_EQ(kInvalid, enable(*descriptor, argument)) << "the mode";
    argument.arg().trace_mode = KCOV_TRACE_CMP;
    EXPECT_EQ(kInvalid, enable(*descriptor, argument)) << "rule 23: no area";
    argument.arg().area_size = 16;
    EXPECT_EQ(kInvalid, enable(*descriptor, argument)) << "the second handle";
    for (const std::uint64_t bad :
         {kCommon, std::uint64_t{0}, kSubsystemUsb | std::uint64_t{1} << 32,
          std::uint64_t{2} << 56 | 1, ~std::uint64_t{0}})
      EXPECT_EQ(kInvalid, enable(*descriptor, Argument({bad}))) << bad;
    EXPECT_EQ(kInvalid, enable(*descriptor, Argument({}, kUsb))) << "not a common handle";
    EXPECT_EQ(kExists, enable(*descriptor, Argument({kUsb, kSubsystemUsb | 2})));
    EXPECT_EQ(kExists, enable(*descriptor, Argument({kUsb, kUsb})));
    EXPECT_EQ(0, enable(*descriptor, Argument({kUsb}, kCommon)));
    EXPECT_EQ(kInvalid, enable(*descriptor, Argument({kUsb}))) << "enabled already";
    EXPECT_EQ(0, disable(*descriptor));
  }
  EXPECT_EQ(0, disable(*other));
  other->close();
  descriptor->close();
}

TEST_F(Section, Rule20_256_handles_are_few_enough) {
  auto* const descriptor = initialized();
  std::vector<std::uint64_t> handles;
  for (std::uint64_t i = 0; i < 256; ++i) handles.push_back(kSubsystemUsb | (i * 64));
  EXPECT_EQ(0, enable(*descriptor, Argument(handles, kCommon)));
  for (const std::uint64_t handle : handles) {
    const As worker(worker_);
    section(handle, {handle});
  }
  EXPECT_EQ(kWords - 1, area_of(*descriptor)[0]);
  EXPECT_EQ(256 - (kWords - 1), dropped(*descriptor));
  EXPECT_EQ(0, disable(*descriptor));
  descriptor->close();
}

TEST_F(Section, Rule21_any_failure_rolls_back_fully) {
  auto* const descriptor = initialized();
  auto* const other = initialized();
  world->task.common_handle = 55;
  EXPECT_EQ(kInvalid, enable(*descriptor, Argument({kUsb, 0}, kCommon)));
  EXPECT_EQ(kInvalid, enable(*descriptor, Argument({kUsb}, kUsb)));
  EXPECT_EQ(kExists, enable(*descriptor, Argument({kUsb, kUsb}, kCommon)));
  EXPECT_EQ(nullptr, world->task.remote);
  EXPECT_EQ(55u, world->task.common_handle);
  EXPECT_EQ(kInvalid, disable(*descriptor));
  EXPECT_EQ(0, enable(*other, Argument({kUsb}, kCommon)));
  EXPECT_EQ(0, disable(*other));
  EXPECT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  EXPECT_EQ(0, disable(*descriptor));
  EXPECT_EQ(0, enable(*descriptor, Argument({kUsb}, kCommon)));
  EXPECT_EQ(0, disable(*descriptor));
  other->close();
  descriptor->close();
}

TEST_F(Section, Allocation_failure_at_every_point_leaves_everything_as_it_was) {
  auto* const descriptor = initialized();
  world->allocations_until_failure = 0;
  EXPECT_EQ(kNoMemory, enable(*descriptor, Argument({kUsb})));
  world->allocations_until_failure = -1;
  ASSERT_EQ(0, enable(*descriptor, Argument({kUsb})));
  {
    const As worker(worker_);
    world->allocations_until_failure = 0;
    section(kUsb, {0x1111});  // no area: lost, and counted
    world->allocations_until_failure = -1;
    EXPECT_EQ(nullptr, worker_.bound.descriptor);
    section(kUsb, {0x2222});
  }
  expect_words(area_of(*descriptor), {1, 0x2222});
  EXPECT_EQ(1u, dropped(*descriptor));
  EXPECT_EQ(0, disable(*descriptor));
  descriptor->close();
  // The one instance itself.
  for (int point = 0; point < 2 + static_cast<int>(kSoftAreas); ++point) {
    const int before = world->live_blocks;
    world->allocations_until_failure = point;
    const int result = Remote<FakePortWithoutComparisons>::create(kSoftAreas, kSoftWords);
    world->allocations_until_failure = -1;
    EXPECT_EQ(point < 1 + static_cast<int>(kSoftAreas) ? kNoMemory : 0, result);
    if (result == 0) Remote<FakePortWithoutComparisons>::destroy();
    EXPECT_EQ(before, world->live_blocks);
  }
}

TEST_F(Section, Without_the_instance_remote_coverage_is_refused_and_sections_do_nothing) {
  auto* const descriptor = Descriptor<FakePortWithoutComparisons>::open();
  ASSERT_EQ(0, descriptor->control(KCOV_INIT_TRACE, kWords));
  EXPECT_EQ(kNoMemory, descriptor->control(KCOV_REMOTE_ENABLE, Argument({kUsb}).address()));
  section_start<FakePortWithoutComparisons>(kUsb);
  section_stop<FakePortWithoutComparisons>();
  descriptor->close();
}

TEST_F(Section, Rule14_comparisons_need_support_remotely_too) {
  ASSERT_EQ(0, Remote<FakePortWithoutComparisons>::create(0, 0));
  auto* const descriptor = Descriptor<FakePortWithoutComparisons>::open();
  ASSERT_EQ(0, descriptor->control(KCOV_INIT_TRACE, kWords));
  const Argument argument({kUsb}, 0, KCOV_TRACE_CMP);
  EXPECT_EQ(kNotSupported, descriptor->control(KCOV_REMOTE_ENABLE, argument.address()));
  descriptor->close();
  Remote<FakePortWithoutComparisons>::destroy();
}

TEST_F(Section, Rule22_a_thread_can_be_local_and_remote_with_two_descriptors) {
  auto* const local = initialized();
  auto* const remote = initialized();
  ASSERT_EQ(0, enable(*remote, Argument({kUsb})));
  trace_pc<FakePort>(0x1111);
  expect_words(area_of(*remote), {});
  EXPECT_EQ(0, local->control(KCOV_ENABLE, KCOV_TRACE_PC));
  trace_pc<FakePort>(0x2222);
  expect_words(area_of(*local), {1, 0x2222});
  expect_words(area_of(*remote), {});
  EXPECT_EQ(kInvalid, remote->control(KCOV_ENABLE, KCOV_TRACE_PC)) << "it is taken";
  EXPECT_EQ(kInvalid, enable(*local, Argument({kUsb + 1})));
  EXPECT_EQ(0, disable(*remote));
  trace_pc<FakePort>(0x3333);
  expect_words(area_of(*local), {2, 0x2222, 0x3333});
  EXPECT_EQ(0, disable(*local));
  local->close();
  remote->close();
}

TEST_F(Section, Rule32_33_exit_gives_back_both_and_the_last_reference_frees) {
  auto* const local = initialized();
  auto* const remote = initialized();
  ASSERT_EQ(0, enable(*remote, Argument({kUsb}, kCommon)));
  ASSERT_EQ(0, local->control(KCOV_ENABLE, KCOV_TRACE_PC));
  {
    const As worker(worker_);
    section(kUsb, {0x1111});  // leaves a spare area behind
  }
  local->close();
  remote->close();
  EXPECT_EQ(2, world->live_areas);
  task_exit<FakePort>(world->task);
  EXPECT_EQ(0, world->live_areas + world->live_blocks);
  EXPECT_EQ(0u, world->task.common_handle);
  auto* const next = initialized();
  EXPECT_EQ(0, enable(*next, Argument({kUsb}, kCommon))) << "the handles are free again";
  EXPECT_EQ(0, disable(*next));
  next->close();
}

TEST_F(Section, Rule18_a_thread_within_a_section_is_not_bound_to_its_descriptor) {
  auto* const descriptor = initialized();
  auto* const other = initialized();
  ASSERT_EQ(0, enable(*descriptor, Argument({kUsb})));
  const As worker(worker_);
  section_start<FakePort>(kUsb);
  EXPECT_EQ(kInvalid, disable(*descriptor));
  EXPECT_EQ(kBusy, other->control(KCOV_ENABLE, KCOV_TRACE_PC));
  section_stop<FakePort>();
  world->current = &world->task;
  EXPECT_EQ(0, disable(*descriptor));
  other->close();
  descriptor->close();
}

TEST_F(Section, Rule31_the_common_handle_is_for_the_task_and_its_children) {
  auto* const descriptor = initialized();
  EXPECT_EQ(0u, common_handle<FakePort>());
  ASSERT_EQ(0, enable(*descriptor, Argument({}, kCommon)));
  EXPECT_EQ(kCommon, common_handle<FakePort>());
  task_init(worker_, world->task.common_handle);
  {
    const As child(worker_);
    EXPECT_EQ(kCommon, common_handle<FakePort>());
  }
  for (const Context context : {Context::soft_interrupt, Context::hard_interrupt}) {
    const As interrupt(world->task, context);
    EXPECT_EQ(0u, common_handle<FakePort>());
  }
  EXPECT_EQ(0, disable(*descriptor));
  EXPECT_EQ(0u, common_handle<FakePort>());
  descriptor->close();
}

}  // namespace
}  // namespace kcov::test
