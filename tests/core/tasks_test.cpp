// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Several tasks and several descriptors: what one does is nothing to the other.
#include "core_test.hpp"

namespace kcov::test {
namespace {

class Tasks : public Core {
 protected:
  static void as(kcov_task_state& task, Context context = Context::task) {
    world->current = &task;
    world->context = context;
  }
  static int remote_enable(Descriptor<FakePort>& descriptor) {
    std::uint64_t words[4] = {};
    auto* const arg = new (words) kcov_remote_arg;
    arg->area_size = kWords;
    arg->num_handles = 1;
    words[3] = kHandle;
    return descriptor.control(KCOV_REMOTE_ENABLE, reinterpret_cast<std::uintptr_t>(words));
  }
  kcov_task_state& first_ = world->task;
  kcov_task_state second_{};
};

TEST_F(Tasks, Rule09_every_map_is_of_the_buffer) {
  auto* const descriptor = initialized();
  Mapping first;
  ASSERT_EQ(0, descriptor->map(0, kWords * 8, first));
  ASSERT_NE(nullptr, first.area);
  for (int times = 0; times < 3; ++times) {
    Mapping another;
    EXPECT_EQ(0, descriptor->map(0, kWords * 8, another));
    EXPECT_EQ(first.area, another.area);
    EXPECT_EQ(kWords * 8, another.bytes);
  }
  for (const auto& [offset, bytes] :
       {std::pair{1ull, kWords * 8}, {0ull, kWords * 8 - 8}, {0ull, 0ul}}) {
    Mapping none;
    EXPECT_EQ(kInvalid, descriptor->map(offset, bytes, none));
    EXPECT_EQ(nullptr, none.area);
  }
  descriptor->close();
}

TEST_F(Tasks, Rule13_a_task_that_traces_is_busy_and_neither_descriptor_leaks) {
  auto* const one = initialized();
  auto* const other = initialized();
  ASSERT_EQ(0, one->control(KCOV_ENABLE, KCOV_TRACE_PC));
  EXPECT_EQ(kBusy, other->control(KCOV_ENABLE, KCOV_TRACE_PC));
  EXPECT_EQ(kBusy, other->control(KCOV_ENABLE, 99)) << "before the mode";
  EXPECT_EQ(kInvalid, one->control(KCOV_ENABLE, KCOV_TRACE_PC)) << "rule 12 comes first";
  trace_pc<FakePort>(0x1111);
  EXPECT_EQ(1u, area_of(*one)[0]);
  EXPECT_EQ(0u, area_of(*other)[0]);
  EXPECT_EQ(kInvalid, other->control(KCOV_DISABLE, 0));
  EXPECT_EQ(0, one->control(KCOV_DISABLE, 0));
  one->close();
  other->close();
}

TEST_F(Tasks, Rule29_each_task_has_its_own_trace_even_in_the_midst_of_anothers_callback) {
  auto* const one = initialized();
  auto* const other = initialized();
  ASSERT_EQ(0, one->control(KCOV_ENABLE, KCOV_TRACE_PC));
  as(second_);
  trace_pc<FakePort>(0x9999);  // not traced
  ASSERT_EQ(0, other->control(KCOV_ENABLE, KCOV_TRACE_PC));
  trace_pc<FakePort>(0x21);
  as(first_);
  // The second task runs on another CPU, or the first is preempted just there.
  world->during_callback = [&] {
    as(second_);
    trace_pc<FakePort>(0x22);
    as(first_);
  };
  trace_pc<FakePort>(0x11);
  trace_pc<FakePort>(0x12);
  const std::uint64_t* const first = area_of(*one);
  const std::uint64_t* const second = area_of(*other);
  EXPECT_EQ(2u, first[0]);
  EXPECT_EQ(0x11u, first[1]);
  EXPECT_EQ(0x12u, first[2]);
  EXPECT_EQ(2u, second[0]);
  EXPECT_EQ(0x21u, second[1]);
  EXPECT_EQ(0x22u, second[2]);
  task_exit<FakePort>(first_);
  as(second_);
  task_exit<FakePort>(second_);
  one->close();
  other->close();
}

// On other CPUs, or because a real-time kernel preempts soft interrupts.
TEST_F(Tasks, Rule36_soft_interrupts_that_overlap_put_back_each_its_own_task) {
  auto* const one = initialized();
  auto* const other = initialized();
  auto* const remote = initialized();
  kcov_task_state owner{};
  as(owner);
  ASSERT_EQ(0, remote_enable(*remote));
  as(first_);
  ASSERT_EQ(0, one->control(KCOV_ENABLE, KCOV_TRACE_PC));
  as(second_);
  ASSERT_EQ(0, other->control(KCOV_ENABLE, KCOV_TRACE_PC));
  as(first_, Context::soft_interrupt);
  section_start<FakePort>(kHandle);
  as(second_, Context::soft_interrupt);
  section_start<FakePort>(kHandle);
  as(first_, Context::soft_interrupt);
  section_stop<FakePort>();
  as(first_);
  trace_pc<FakePort>(0x11);
  as(second_, Context::soft_interrupt);
  section_stop<FakePort>();
  as(second_);
  trace_pc<FakePort>(0x21);
  EXPECT_EQ(1u, area_of(*one)[0]);
  EXPECT_EQ(0x11u, area_of(*one)[1]);
  EXPECT_EQ(1u, area_of(*other)[0]);
  EXPECT_EQ(0x21u, area_of(*other)[1]);
  EXPECT_EQ(0, other->control(KCOV_DISABLE, 0));
  as(first_);
  EXPECT_EQ(0, one->control(KCOV_DISABLE, 0));
  as(owner);
  EXPECT_EQ(0, remote->control(KCOV_DISABLE, 0));
  for (auto* const descriptor : {one, other, remote}) descriptor->close();
}

TEST_F(Tasks, Rule33_a_soft_interrupts_section_gives_back_all_it_took) {
  auto* const descriptor = initialized();
  ASSERT_EQ(0, remote_enable(*descriptor));
  for (int times = 0; times < 5; ++times) {  // more than there are areas
    as(second_, Context::soft_interrupt);
    section_start<FakePort>(kHandle);
    trace_pc<FakePort>(0x1111);
    section_stop<FakePort>();
    as(first_);
  }
  EXPECT_EQ(5u, area_of(*descriptor)[0]);
  EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
  descriptor->close();
  EXPECT_EQ(0, world->live_areas + world->live_blocks);
  // And its handle is anybody's again.
  auto* const next = initialized();
  EXPECT_EQ(0, remote_enable(*next));
  task_exit<FakePort>(first_);
  next->close();
}

TEST_F(Tasks, Rule32_exit_leaves_a_descriptor_that_another_task_may_enable) {
  auto* const descriptor = initialized();
  ASSERT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  trace_pc<FakePort>(0x11);
  task_exit<FakePort>(first_);
  trace_pc<FakePort>(0x9999);  // the exit path
  as(second_);
  EXPECT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  trace_pc<FakePort>(0x21);
  EXPECT_EQ(2u, area_of(*descriptor)[0]);
  EXPECT_EQ(0x21u, area_of(*descriptor)[2]);
  task_exit<FakePort>(second_);
  descriptor->close();
}

}  // namespace
}  // namespace kcov::test
