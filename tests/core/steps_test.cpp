// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Somebody else comes between any two accesses of the core to memory: each test is run
// once for each step that there is (stepped_memory.hpp).
#include <set>

#include "core_test.hpp"

namespace kcov::test {
namespace {

class Steps : public Core {
 protected:
  // Runs `what` again and again, with `intruder` at its first, second, ... step, until
  // there are no more. Returns how many there are.
  static int at_each_step(const std::function<void()>& what,
                          const std::function<void()>& intruder) {
    for (int wanted = 0;; ++wanted) {
      int seen = 0;
      const std::function<void(const Step&)> happens = [&](const Step&) {
        if (seen++ == wanted) intruder();
      };
      on_step = &happens;
      what();
      on_step = nullptr;
      if (seen <= wanted) return wanted;
    }
  }
  static void remote_enable(Descriptor<FakePort>& descriptor) {
    std::uint64_t words[4] = {};
    auto* const arg = new (words) kcov_remote_arg;
    arg->area_size = kWords;
    arg->num_handles = 1;
    words[3] = kHandle;
    EXPECT_EQ(0, descriptor.control(KCOV_REMOTE_ENABLE, reinterpret_cast<std::uintptr_t>(words)));
  }
};

// An interrupt whose entry is not accounted for yet passes for the task's own code. It
// must find either no mode or the area that belongs to it.
TEST_F(Steps, Rule28_whoever_sees_the_mode_sees_the_area) {
  auto* const descriptor = initialized();
  std::uint64_t* const area = area_of(*descriptor);
  const int steps = at_each_step(
      [&] {
        area[0] = 0;
        ASSERT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
        trace_pc<FakePort>(0x1111);
        ASSERT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
      },
      [&] {
        const std::uint64_t before = area[0];
        trace_pc<FakePort>(0x9999);
        trace_cmp<FakePort>(0, 1, 2, 0x9999);
        const bool traces = world->task.mode == KCOV_MODE_TRACE_PC;
        EXPECT_EQ(before + (traces ? 1 : 0), area[0]);
      });
  EXPECT_LT(10, steps);
  descriptor->close();
}

// Contract 36, in whatever the task was doing.
TEST_F(Steps, Rule36_a_soft_interrupt_at_any_step_leaves_the_task_as_it_was) {
  auto* const local = initialized();
  auto* const remote = initialized();
  std::uint64_t* const area = area_of(*local);
  std::uint64_t* const merged = area_of(*remote);
  kcov_task_state owner{};
  world->current = &owner;
  remote_enable(*remote);
  world->current = &world->task;
  int interrupts = 0;
  at_each_step(
      [&] {
        area[0] = 0;
        merged[0] = 0;
        interrupts = 0;
        ASSERT_EQ(0, local->control(KCOV_ENABLE, KCOV_TRACE_PC));
        trace_pc<FakePort>(0x1111);
        trace_pc<FakePort>(0x2222);
        ASSERT_EQ(0, local->control(KCOV_DISABLE, 0));
        EXPECT_EQ(2u, area[0]);
        EXPECT_EQ(0x1111u, area[1]);
        EXPECT_EQ(0x2222u, area[2]);
        EXPECT_EQ(static_cast<std::uint64_t>(interrupts), merged[0]);
        EXPECT_EQ(KCOV_MODE_OFF, world->task.mode);
        EXPECT_EQ(nullptr, world->task.bound.area);
      },
      [&] {
        if (locks_held != 0) return;  // they shut soft interrupts out
        ++interrupts;
        world->context = Context::soft_interrupt;
        trace_pc<FakePort>(0x9999);
        section_start<FakePort>(kHandle);
        trace_pc<FakePort>(0x3333);
        section_stop<FakePort>();
        trace_pc<FakePort>(0x9999);
        world->context = Context::task;
        EXPECT_EQ(0x3333u, merged[1]);
      });
  world->current = &owner;
  EXPECT_EQ(0, remote->control(KCOV_DISABLE, 0));
  world->current = &world->task;
  local->close();
  remote->close();
}

// The next soft interrupt may come while the task ends what the last one left to it.
TEST_F(Steps, Rule36_a_soft_interrupt_at_any_step_of_ending_what_another_left_behind) {
  auto* const local = initialized();
  auto* const remote = initialized();
  kcov_task_state owner{};
  world->current = &owner;
  remote_enable(*remote);
  world->current = &world->task;
  const auto soft_section = [] {
    if (locks_held != 0) return;  // they shut soft interrupts out
    world->context = Context::soft_interrupt;
    section_start<FakePort>(kHandle);
    trace_pc<FakePort>(0x3333);
    section_stop<FakePort>();
    world->context = Context::task;
  };
  const std::function<void()> ends[] = {
      [] { section_stop<FakePort>(); },
      [&] { EXPECT_EQ(0, local->control(KCOV_DISABLE, 0)); },
      [] { task_exit<FakePort>(world->task); },
  };
  for (const auto& end : ends) {
    const int steps = at_each_step(
        [&] {
          area_of(*remote)[0] = 0;
          ASSERT_EQ(0, local->control(KCOV_ENABLE, KCOV_TRACE_PC));
          const kcov_binding before = world->task.bound;
          const auto* const stepping = std::exchange(on_step, nullptr);
          world->context = Context::soft_interrupt;
          section_start<FakePort>(kHandle);
          world->context = Context::task;
          on_step = stepping;
          end();
          on_step = nullptr;
          EXPECT_EQ(0u, world->task.soft_interrupt);
          if (world->task.bound.descriptor != nullptr) {
            EXPECT_EQ(0, std::memcmp(&before, &world->task.bound, sizeof before));
            EXPECT_EQ(KCOV_MODE_TRACE_PC, world->task.mode);
            EXPECT_EQ(0, local->control(KCOV_DISABLE, 0));
          }
          EXPECT_EQ(KCOV_MODE_OFF, world->task.mode);
          EXPECT_EQ(nullptr, world->task.bound.area);
        },
        soft_section);
    EXPECT_LT(3, steps);
  }
  world->warnings = 0;
  world->current = &owner;
  EXPECT_EQ(0, remote->control(KCOV_DISABLE, 0));
  world->current = &world->task;
  local->close();
  remote->close();
}

// A page that is not there yet would fault in the callback, and the fault call back.
TEST_F(Steps, Rule17_enable_touches_each_page_of_the_buffer) {
  constexpr std::uint64_t kPageWords = 512;
  constexpr std::uint64_t kAll = 3 * kPageWords + 1;
  auto* const descriptor = initialized(kAll);
  const std::uint64_t* const area = area_of(*descriptor, kAll);
  std::set<std::uint64_t> touched;
  const std::function<void(const Step&)> happens = [&](const Step& step) {
    const auto* const word = static_cast<const std::uint64_t*>(step.location);
    if (word >= area && word < area + kAll) {
      EXPECT_EQ(KCOV_MODE_OFF, world->task.mode) << "before tracing starts";
      EXPECT_EQ(0, locks_held);
      touched.insert(static_cast<std::uint64_t>(word - area) / kPageWords);
    }
  };
  on_step = &happens;
  ASSERT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  on_step = nullptr;
  EXPECT_EQ((std::set<std::uint64_t>{0, 1, 2, 3}), touched);
  EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
  descriptor->close();
}

// What user space stores between any two accesses harms nothing: the words around the
// buffer are looked at when it goes.
TEST_F(Steps, Rule26_a_store_of_user_space_at_any_step_lands_no_record_outside) {
  auto* const descriptor = initialized();
  std::uint64_t* const area = area_of(*descriptor);
  kcov_task_state worker{};
  for (const std::uint64_t value :
       {std::uint64_t{0}, kWords - 1, kWords, std::uint64_t{1} << 59, (std::uint64_t{1} << 59) - 1,
        std::uint64_t{1} << 61, ~std::uint64_t{0}}) {
    const auto store = [&] { area[0] = value; };
    for (const std::uint32_t mode : {KCOV_TRACE_PC, KCOV_TRACE_CMP}) {
      at_each_step(
          [&] {
            area[0] = 0;
            ASSERT_EQ(0, descriptor->control(KCOV_ENABLE, mode));
            trace_pc<FakePort>(0x1111);
            trace_cmp<FakePort>(1, 2, 3, 0x2222);
            ASSERT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
            EXPECT_TRUE(area[0] < kWords || area[0] == value) << area[0];
          },
          store);
    }
    at_each_step(
        [&] {
          area[0] = 0;
          remote_enable(*descriptor);
          world->current = &worker;
          section_start<FakePort>(kHandle);
          trace_pc<FakePort>(0x1111);
          section_stop<FakePort>();
          world->current = &world->task;
          ASSERT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
          EXPECT_TRUE(area[0] < kWords || area[0] == value) << area[0];
        },
        store);
  }
  descriptor->close();
}

}  // namespace
}  // namespace kcov::test
