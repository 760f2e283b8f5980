// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Remote sections (contract 33 to 37) where a test decides which task runs, and in which
// context.
#include "section_fixture.hpp"

namespace kcov::test {
namespace {

TEST_F(Section, Rule33_a_section_holds_its_descriptor) {
  auto* const descriptor = initialized();
  ASSERT_EQ(0, enable(*descriptor, Argument({kUsb})));
  {
    const As worker(worker_);
    section_start<FakePort>(kUsb);
  }
  EXPECT_EQ(0, disable(*descriptor));
  descriptor->close();
  EXPECT_EQ(1, world->live_areas);
  const As worker(worker_);
  trace_pc<FakePort>(0x1111);
  section_stop<FakePort>();
  EXPECT_EQ(0, world->live_areas + world->live_blocks);
}

TEST_F(Section, Rule34_malformed_warns_unknown_is_silent_and_a_stop_without_start_is_ignored) {
  section(kSubsystemUsb | 1ull << 33, {0x1111});
  EXPECT_EQ(1, world->warnings.exchange(0));
  section(9ull << 56 | 1, {0x1111});
  EXPECT_EQ(1, world->warnings.exchange(0));
  for (const std::uint64_t unknown : {std::uint64_t{0}, kUsb, kCommon}) section(unknown, {0x1111});
  section_stop<FakePort>();
  EXPECT_EQ(nullptr, world->task.bound.descriptor);
  // A stop is no end to what a task enabled itself: stock loses a reference there.
  auto* const descriptor = initialized();
  ASSERT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  section_stop<FakePort>();
  trace_pc<FakePort>(0x1111);
  expect_words(area_of(*descriptor), {1, 0x1111});
  {
    const As soft(world->task, Context::soft_interrupt);
    section_stop<FakePort>();
  }
  section_start<FakePort>(kUsb);
  EXPECT_EQ(1, world->warnings.exchange(0)) << "within a traced task";
  section_stop<FakePort>();
  EXPECT_EQ(0, disable(*descriptor));
  descriptor->close();
}

TEST_F(Section, Rule34_a_nested_start_warns_and_hard_interrupts_are_ignored) {
  auto* const descriptor = initialized();
  ASSERT_EQ(0, enable(*descriptor, Argument({kUsb})));
  for (const Context context : {Context::task, Context::soft_interrupt}) {
    const As worker(worker_, context);
    section_start<FakePort>(kUsb);
    section_start<FakePort>(kUsb);
    EXPECT_EQ(1, world->warnings.exchange(0));
    trace_pc<FakePort>(0x1111);
    {
      const As hard(worker_, Context::hard_interrupt);
      section(kUsb, {0x9999});
    }
    section_stop<FakePort>();
    section_stop<FakePort>();
  }
  expect_words(area_of(*descriptor), {2, 0x1111, 0x1111});
  EXPECT_EQ(0, disable(*descriptor));
  descriptor->close();
}

TEST_F(Section, Rule34_before_the_first_task_nothing_happens) {
  world->current = nullptr;
  section(kUsb, {0x1111});
  EXPECT_EQ(0u, common_handle<FakePort>());
}

TEST_F(Section, Rule35_sections_are_merged_when_they_stop) {
  auto* const descriptor = initialized();
  std::uint64_t* const area = area_of(*descriptor);
  ASSERT_EQ(0, enable(*descriptor, Argument({kUsb}, kCommon)));
  kcov_task_state second{};
  {
    const As worker(worker_);
    section_start<FakePort>(kUsb);
    trace_pc<FakePort>(0x11);
  }
  {
    const As worker(second);
    section(kCommon, {0x21, 0x22});
  }
  expect_words(area, {2, 0x21, 0x22});
  {
    const As worker(worker_);
    trace_pc<FakePort>(0x12);
    section_stop<FakePort>();
    trace_pc<FakePort>(0x13);
  }
  expect_words(area, {4, 0x21, 0x22, 0x11, 0x12});
  EXPECT_EQ(0, disable(*descriptor));
  descriptor->close();
}

TEST_F(Section, Rule35_whole_comparisons_only_and_what_does_not_fit_is_counted) {
  auto* const descriptor = initialized();  // room for three
  std::uint64_t* const area = area_of(*descriptor);
  ASSERT_EQ(0, enable(*descriptor, Argument({kUsb}, 0, KCOV_TRACE_CMP, 15)));  // three as well
  const As worker(worker_);
  section_start<FakePort>(kUsb);
  for (std::uint64_t i = 1; i <= 4; ++i) trace_cmp<FakePort>(1, i, i, i);
  trace_pc<FakePort>(0x1111);
  area[0] = 2;
  section_stop<FakePort>();
  expect_words(area, {3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1});
  // One that its own area had no room for, two that the buffer had none for.
  EXPECT_EQ(3u, dropped(*descriptor));
  task_exit<FakePort>(world->task);
  descriptor->close();
}

TEST_F(Section, Rule26_35_a_hostile_count_keeps_a_merge_within_the_buffer) {
  auto* const descriptor = initialized();
  std::uint64_t* const area = area_of(*descriptor);
  for (const std::uint32_t mode : {KCOV_TRACE_PC, KCOV_TRACE_CMP}) {
    ASSERT_EQ(0, enable(*descriptor, Argument({kUsb}, 0, mode)));
    for (const std::uint64_t value :
         {std::uint64_t{kWords - 1}, std::uint64_t{kWords}, std::uint64_t{1} << 59,
          std::uint64_t{1} << 61, ~std::uint64_t{0}}) {
      std::fill(area, area + kWords, 0);
      area[0] = value;
      const As worker(worker_);
      section_start<FakePort>(kUsb);
      trace_pc<FakePort>(0x1111);
      trace_cmp<FakePort>(1, 2, 3, 4);
      section_stop<FakePort>();
      expect_words(area, {value});
    }
    EXPECT_EQ(0, disable(*descriptor));
  }
  EXPECT_EQ(10u, dropped(*descriptor));
  descriptor->close();
}

TEST_F(Section, Rule35_a_section_of_an_earlier_enable_is_not_merged) {
  auto* const descriptor = initialized();
  ASSERT_EQ(0, enable(*descriptor, Argument({kUsb})));
  {
    const As worker(worker_);
    section_start<FakePort>(kUsb);
    trace_pc<FakePort>(0x1111);
  }
  EXPECT_EQ(0, disable(*descriptor));
  ASSERT_EQ(0, enable(*descriptor, Argument({kUsb}, 0, KCOV_TRACE_PC, 8)));
  {
    const As worker(worker_);
    section_stop<FakePort>();
  }
  expect_words(area_of(*descriptor), {});
  {
    // Its area was of another size: it is not used for the new ones.
    const As worker(worker_);
    section_start<FakePort>(kUsb);
    for (std::uintptr_t pc = 1; pc <= 8; ++pc) trace_pc<FakePort>(pc);
    section_stop<FakePort>();
  }
  expect_words(area_of(*descriptor), {7, 1, 2, 3, 4, 5, 6, 7});
  EXPECT_EQ(1u, dropped(*descriptor));
  EXPECT_EQ(0, disable(*descriptor));
  descriptor->close();
}

TEST_F(Section, Rule35_a_tasks_area_is_used_again_and_soft_interrupts_have_their_own) {
  auto* const descriptor = initialized();
  ASSERT_EQ(0, enable(*descriptor, Argument({kUsb})));
  const As worker(worker_);
  section(kUsb, {1});
  world->allocations_until_failure = 0;  // no more from here on
  section(kUsb, {2});
  kcov_task_state tasks[kSoftAreas + 1] = {};
  for (kcov_task_state& task : tasks) {
    const As soft(task, Context::soft_interrupt);
    section_start<FakePort>(kUsb);
    trace_pc<FakePort>(3);
  }
  for (kcov_task_state& task : tasks) {
    const As soft(task, Context::soft_interrupt);
    section_stop<FakePort>();
  }
  world->allocations_until_failure = -1;
  expect_words(area_of(*descriptor), {4, 1, 2, 3, 3});
  EXPECT_EQ(1u, dropped(*descriptor)) << "the section that had no area";
  task_exit<FakePort>(world->task);
  descriptor->close();
}

TEST_F(Section, Rule36_a_soft_interrupt_leaves_the_trace_it_came_upon_untouched) {
  auto* const local = initialized();
  auto* const remote = initialized();
  kcov_task_state owner{};
  {
    const As other(owner);
    ASSERT_EQ(0, enable(*remote, Argument({kUsb})));
  }
  const auto soft_section = [&] {
    const As soft(world->task, Context::soft_interrupt);
    trace_pc<FakePort>(0x91);  // before the section: nowhere
    section_start<FakePort>(kUsb);
    trace_pc<FakePort>(0x92);
    {
      const As hard(world->task, Context::hard_interrupt);
      trace_pc<FakePort>(0x93);
    }
    section_stop<FakePort>();
    trace_pc<FakePort>(0x94);
  };
  ASSERT_EQ(0, local->control(KCOV_ENABLE, KCOV_TRACE_PC));
  trace_pc<FakePort>(0x11);
  const kcov_task_state before = world->task;
  soft_section();
  EXPECT_EQ(before.mode, world->task.mode);
  EXPECT_EQ(0, std::memcmp(&before.bound, &world->task.bound, sizeof before.bound));
  trace_pc<FakePort>(0x12);
  expect_words(area_of(*local), {2, 0x11, 0x12});
  expect_words(area_of(*remote), {1, 0x92});
  // In the midst of a switch, of an unbind (mode off, area there) and of a bind.
  kcov_begin_switch(&world->task);
  soft_section();
  EXPECT_EQ(KCOV_MODE_TRACE_PC | KCOV_MODE_IN_SWITCH, world->task.mode);
  world->task.mode = KCOV_MODE_OFF;
  soft_section();
  EXPECT_EQ(KCOV_MODE_OFF, world->task.mode);
  EXPECT_EQ(0, std::memcmp(&before.bound, &world->task.bound, sizeof before.bound));
  world->task.mode = KCOV_MODE_TRACE_PC;
  expect_words(area_of(*remote), {3, 0x92, 0x92, 0x92});
  EXPECT_EQ(0, disable(*local));
  // Upon a section of a task.
  const As worker(worker_);
  section_start<FakePort>(kUsb);
  trace_pc<FakePort>(0x31);
  {
    const As soft(worker_, Context::soft_interrupt);
    section(kUsb, {0x41});
  }
  trace_pc<FakePort>(0x32);
  section_stop<FakePort>();
  expect_words(area_of(*remote), {6, 0x92, 0x92, 0x92, 0x41, 0x31, 0x32});
  task_exit<FakePort>(owner);
  local->close();
  remote->close();
}

TEST_F(Section, Rule36_a_section_left_behind_by_a_soft_interrupt_records_no_task) {
  auto* const remote = initialized();
  ASSERT_EQ(0, enable(*remote, Argument({kUsb})));
  {
    const As soft(worker_, Context::soft_interrupt);
    section_start<FakePort>(kUsb);
  }
  {
    const As worker(worker_);
    trace_pc<FakePort>(0x1111);
    section_stop<FakePort>();
    EXPECT_EQ(1, world->warnings.exchange(0));
  }
  {
    const As soft(worker_, Context::soft_interrupt);
    section_stop<FakePort>();
  }
  expect_words(area_of(*remote), {});
  EXPECT_EQ(0, disable(*remote));
  remote->close();
}

// It fell into the switch; what it gives back at last is not in one.
TEST_F(Section, Rule28_36_what_is_left_behind_in_a_switch_does_not_switch_the_task_off) {
  auto* const local = initialized();
  auto* const remote = initialized();
  ASSERT_EQ(0, enable(*remote, Argument({kUsb})));
  const auto leave_behind_in_a_switch = [&] {
    kcov_begin_switch(&worker_);
    {
      const As soft(worker_, Context::soft_interrupt);
      section_start<FakePort>(kUsb);
      trace_pc<FakePort>(0x1111);
    }
    kcov_end_switch(&worker_);
  };
  const As worker(worker_);
  ASSERT_EQ(0, local->control(KCOV_ENABLE, KCOV_TRACE_PC));
  leave_behind_in_a_switch();
  // The task itself ends it, at its next call. The warning's own code is not the task's.
  world->warning_pc = 0x9999;
  section_stop<FakePort>();
  world->warning_pc = 0;
  EXPECT_EQ(1, world->warnings.exchange(0));
  trace_pc<FakePort>(0x2222);
  expect_words(area_of(*local), {1, 0x2222});
  EXPECT_EQ(1u, dropped(*remote));
  // The next soft interrupt takes it for its own: merged, with all that is in it.
  leave_behind_in_a_switch();
  {
    const As soft(worker_, Context::soft_interrupt);
    section_start<FakePort>(kUsb);
    EXPECT_EQ(1, world->warnings.exchange(0));
    trace_pc<FakePort>(0x3333);
    section_stop<FakePort>();
  }
  trace_pc<FakePort>(0x4444);
  expect_words(area_of(*local), {2, 0x2222, 0x4444});
  expect_words(area_of(*remote), {2, 0x1111, 0x3333});
  EXPECT_EQ(0, disable(*local));
  local->close();
  const As owner(world->task);
  EXPECT_EQ(0, disable(*remote));
  remote->close();
}

TEST_F(Section, Rule32_36_a_task_ends_that_a_soft_interrupt_left_a_section_to) {
  auto* const local = initialized();
  auto* const remote = initialized();
  ASSERT_EQ(0, enable(*remote, Argument({kUsb})));
  {
    const As worker(worker_);
    ASSERT_EQ(0, local->control(KCOV_ENABLE, KCOV_TRACE_PC));
  }
  {
    const As soft(worker_, Context::soft_interrupt);
    section_start<FakePort>(kUsb);
    trace_pc<FakePort>(0x1111);
  }
  {
    const As worker(worker_);
    task_exit<FakePort>(worker_);
  }
  EXPECT_EQ(1, world->warnings.exchange(0));
  expect_words(area_of(*remote), {});
  EXPECT_EQ(1u, dropped(*remote)) << "other soft interrupts may have recorded there";
  // Both are free again; the fixture misses no area and no reference.
  EXPECT_EQ(0, local->control(KCOV_ENABLE, KCOV_TRACE_PC));
  EXPECT_EQ(0, disable(*local));
  EXPECT_EQ(0, disable(*remote));
  local->close();
  remote->close();
}

TEST_F(Section, Rule18_36_a_task_that_a_section_was_left_to_can_disable) {
  auto* const local = initialized();
  auto* const remote = initialized();
  kcov_task_state owner{};
  {
    const As other(owner);
    ASSERT_EQ(0, enable(*remote, Argument({kUsb})));
  }
  ASSERT_EQ(0, local->control(KCOV_ENABLE, KCOV_TRACE_PC));
  {
    const As soft(world->task, Context::soft_interrupt);
    section_start<FakePort>(kUsb);
  }
  EXPECT_EQ(0, disable(*local));
  EXPECT_EQ(1, world->warnings.exchange(0));
  {
    const As soft(world->task, Context::soft_interrupt);
    section_start<FakePort>(kUsb);
  }
  section_start<FakePort>(kUsb);
  EXPECT_EQ(1, world->warnings.exchange(0)) << "of what was left, and the section begins";
  trace_pc<FakePort>(0x1111);
  section_stop<FakePort>();
  expect_words(area_of(*remote), {1, 0x1111});
  task_exit<FakePort>(owner);
  local->close();
  remote->close();
}

TEST_F(Section, A_task_that_ends_within_a_section_warns_and_loses_nothing) {
  auto* const descriptor = initialized();
  ASSERT_EQ(0, enable(*descriptor, Argument({kUsb})));
  {
    const As worker(worker_);
    section_start<FakePort>(kUsb);
    trace_pc<FakePort>(0x1111);
    task_exit<FakePort>(worker_);
    EXPECT_EQ(1, world->warnings.exchange(0));
    EXPECT_EQ(nullptr, worker_.bound.descriptor);
  }
  expect_words(area_of(*descriptor), {1, 0x1111});
  EXPECT_EQ(0, disable(*descriptor));
  descriptor->close();
}

}  // namespace
}  // namespace kcov::test
