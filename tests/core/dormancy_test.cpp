// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Dormancy: when calls are made and unmade (core/dormancy.hpp).
#include "core/dormancy.hpp"

#include "core_test.hpp"

namespace kcov::test {
namespace {

using Calls = Dormancy<FakePort>;

class DormancyTest : public Core {};

TEST_F(DormancyTest, calls_are_made_before_enable_returns_and_before_the_first_record) {
  Calls::sleep();
  EXPECT_FALSE(world->calls_made);
  auto* const descriptor = initialized();
  EXPECT_FALSE(world->calls_made) << "nobody traces yet";
  world->while_patching = [] { EXPECT_EQ(KCOV_MODE_OFF, world->task.mode); };
  EXPECT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  EXPECT_TRUE(world->calls_made);
  EXPECT_EQ(2, world->patches);
  EXPECT_EQ(1u, Calls::tracers());
  EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
  EXPECT_EQ(0u, Calls::tracers());
  EXPECT_EQ(1, world->sleeps_asked_for);
  EXPECT_TRUE(world->calls_made) << "when to sleep is the port's";
  descriptor->close();
}

TEST_F(DormancyTest, nobody_sleeps_while_somebody_traces) {
  auto* const descriptor = initialized();
  EXPECT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  Calls::sleep();
  EXPECT_TRUE(Calls::is_awake());
  EXPECT_EQ(0, world->patches);
  // Another task's end does not change that.
  auto* const other = initialized();
  kcov_task_state second{};
  world->current = &second;
  EXPECT_EQ(0, other->control(KCOV_ENABLE, KCOV_TRACE_PC));
  task_exit<FakePort>(second);
  EXPECT_EQ(0, world->sleeps_asked_for);
  Calls::sleep();
  EXPECT_EQ(0, world->patches);
  world->current = &world->task;
  task_exit<FakePort>(world->task);
  EXPECT_EQ(1, world->sleeps_asked_for);
  descriptor->close();
  other->close();
}

TEST_F(DormancyTest, an_enable_that_is_refused_wakes_nobody) {
  Calls::sleep();
  const int patches = world->patches;
  // Where calls could not be made, what is wrong with the request is said all the same.
  world->patching_fails = true;
  auto* const descriptor = opened();
  kcov_remote_arg arg{};
  arg.trace_mode = KCOV_TRACE_PC;
  arg.area_size = kWords;
  arg.common_handle = KCOV_SUBSYSTEM_USB | 5;  // of the wrong kind for its place
  const auto enable = [&] { return descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC); };
  const auto remote_enable = [&] {
    return descriptor->control(KCOV_REMOTE_ENABLE, reinterpret_cast<std::uintptr_t>(&arg));
  };
  EXPECT_EQ(kInvalid, enable()) << "not initialised";
  EXPECT_EQ(kInvalid, remote_enable());
  EXPECT_EQ(0, descriptor->control(KCOV_INIT_TRACE, kWords));
  EXPECT_EQ(kInvalid, descriptor->control(KCOV_ENABLE, 7));
  EXPECT_EQ(kInvalid, remote_enable());
  int other = 0;
  world->task.bound.descriptor = &other;
  EXPECT_EQ(kBusy, enable());
  world->task.bound.descriptor = nullptr;
  EXPECT_EQ(patches, world->patches);
  EXPECT_EQ(0, world->sleeps_asked_for);
  world->patching_fails = false;
  arg.common_handle = KCOV_SUBSYSTEM_COMMON | 5;
  EXPECT_EQ(0, remote_enable()) << "no handle was left behind";
  task_exit<FakePort>(world->task);
  descriptor->close();
}

// Both see that it may be enabled, and wait for the calls: the second finds it taken.
TEST_F(DormancyTest, an_enable_that_another_overtakes_leaves_no_tracer_behind) {
  Calls::sleep();
  auto* const descriptor = initialized();
  kcov_task_state second{};
  world->before_patching = [&] {
    world->current = &second;
    EXPECT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
    world->current = &world->task;
  };
  EXPECT_EQ(kInvalid, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  EXPECT_EQ(1u, Calls::tracers());
  world->current = &second;
  EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
  EXPECT_EQ(0u, Calls::tracers());
  descriptor->close();
}

TEST_F(DormancyTest, without_the_calls_nobody_traces) {
  world->patching_fails = true;
  Calls::sleep();
  EXPECT_TRUE(Calls::is_awake()) << "they could not be unmade";
  world->patching_fails = false;
  Calls::sleep();
  EXPECT_FALSE(Calls::is_awake());
  auto* const descriptor = initialized();
  kcov_remote_arg arg{};
  arg.trace_mode = KCOV_TRACE_PC;
  arg.area_size = kWords;
  arg.common_handle = KCOV_SUBSYSTEM_COMMON | 5;
  world->patching_fails = true;
  EXPECT_EQ(kNoMemory, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  EXPECT_EQ(kNoMemory,
            descriptor->control(KCOV_REMOTE_ENABLE, reinterpret_cast<std::uintptr_t>(&arg)));
  EXPECT_EQ(0u, Calls::tracers());
  world->patching_fails = false;
  EXPECT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
  descriptor->close();
}

TEST_F(DormancyTest, who_stands_for_handles_is_a_tracer) {
  Calls::sleep();
  auto* const descriptor = initialized();
  kcov_remote_arg arg{};
  arg.trace_mode = KCOV_TRACE_PC;
  arg.area_size = kWords;
  arg.common_handle = KCOV_SUBSYSTEM_COMMON | 5;
  EXPECT_EQ(0, descriptor->control(KCOV_REMOTE_ENABLE, reinterpret_cast<std::uintptr_t>(&arg)));
  EXPECT_TRUE(world->calls_made);
  EXPECT_EQ(1u, Calls::tracers());
  EXPECT_EQ(kInvalid, [&] {
    auto* const second = initialized();
    kcov_remote_arg bad = arg;
    bad.area_size = 0;
    kcov_task_state other{};
    world->current = &other;
    const int error = second->control(KCOV_REMOTE_ENABLE, reinterpret_cast<std::uintptr_t>(&bad));
    world->current = &world->task;
    second->close();
    return error;
  }());
  EXPECT_EQ(1u, Calls::tracers());
  task_exit<FakePort>(world->task);
  EXPECT_EQ(0u, Calls::tracers());
  EXPECT_EQ(1, world->sleeps_asked_for);
  descriptor->close();
}

}  // namespace
}  // namespace kcov::test
