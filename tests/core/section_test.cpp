// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Remote coverage (contract 20 to 23 and 34 to 37) where a test decides which task
// runs, in which context, and when memory is out.
#include <thread>

#include "core_test.hpp"

namespace kcov::test {
namespace {

constexpr std::uint64_t kSubsystemUsb = KCOV_SUBSYSTEM_USB;
constexpr std::uint64_t kUsb = kSubsystemUsb | 1;
constexpr std::uint64_t kCommon = 9;

// A kcov_remote_arg with its handles, and as many words as an ioctl will read of it.
class Argument {
 public:
  explicit Argument(std::vector<std::uint64_t> handles, std::uint64_t common = 0,
                    std::uint32_t mode = KCOV_TRACE_PC, std::uint32_t area_size = 16)
      : words_(3 + handles.size()) {
    auto* const arg = new (words_.data()) kcov_remote_arg;
    arg->trace_mode = mode;
    arg->area_size = area_size;
    arg->num_handles = static_cast<std::uint32_t>(handles.size());
    arg->common_handle = common;
    for (std::size_t i = 0; i < handles.size(); ++i) words_[3 + i] = handles[i];
  }
  kcov_remote_arg& arg() { return *reinterpret_cast<kcov_remote_arg*>(words_.data()); }
  std::uintptr_t address() const { return reinterpret_cast<std::uintptr_t>(words_.data()); }

 private:
  std::vector<std::uint64_t> words_;
};

class Section : public Core {
 protected:
  static int enable(Descriptor<FakePort>& descriptor, const Argument& argument) {
    return descriptor.control(KCOV_REMOTE_ENABLE, argument.address());
  }
  static int disable(Descriptor<FakePort>& descriptor) {
    return descriptor.control(KCOV_DISABLE, 0);
  }
  // A section of `handle` with these PCs, in whatever runs.
  static void section(std::uint64_t handle, std::initializer_list<std::uintptr_t> pcs) {
    section_start<FakePort>(handle);
    for (const std::uintptr_t pc : pcs) trace_pc<FakePort>(pc);
    section_stop<FakePort>();
  }
  static void expect_words(const std::uint64_t* area, std::vector<std::uint64_t> expected) {
    expected.resize(kWords, 0);
    for (std::size_t word = 0; word < kWords; ++word) EXPECT_EQ(expected[word], area[word]) << word;
  }
  static std::uint64_t dropped(Descriptor<FakePort>& descriptor) {
    std::uint64_t count = 0;
    EXPECT_EQ(0, descriptor.control(KCOV_GET_DROPPED, reinterpret_cast<std::uintptr_t>(&count)));
    return count;
  }
  kcov_task_state worker_{};
};

// Who runs until the end of the scope.
class As {
 public:
  explicit As(kcov_task_state& task, Context context = Context::task)
      : task_(world->current), context_(world->context) {
    world->current = &task;
    world->context = context;
  }
  ~As() {
    world->current = task_;
    world->context = context_;
  }
  As(const As&) = delete;
  As& operator=(const As&) = delete;

 private:
  kcov_task_state* task_;
  Context context_;
};

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
  world->task.mode |= KCOV_MODE_IN_SWITCH;
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
