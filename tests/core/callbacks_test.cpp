// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The functions that the compiler plants calls of, as a port defines them.
#include "core_test.hpp"

// Behind the steps.
#include "core/callbacks.hpp"

KCOV_DEFINE_CALLBACKS(kcov::test::FakePort)
KCOV_DEFINE_COMPARISON_CALLBACKS(kcov::test::FakePort)

namespace kcov::test {
namespace {

class Callbacks : public Core {
 protected:
  // The type and the operands of the one record that `callback` made.
  static std::vector<std::uint64_t> record_of(const std::function<void()>& callback) {
    auto* const descriptor = initialized();
    EXPECT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_CMP));
    callback();
    const std::uint64_t* const area = area_of(*descriptor);
    EXPECT_EQ(1u, area[0]);
    EXPECT_NE(0u, area[4]);
    const std::vector<std::uint64_t> record(area + 1, area + 4);
    EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
    descriptor->close();
    return record;
  }
};

using Record = std::vector<std::uint64_t>;

TEST_F(Callbacks, Rule27_operands_of_every_width_are_whole_and_zero_extended) {
  EXPECT_EQ((Record{0, 0xff, 0x80}), record_of([] { __sanitizer_cov_trace_cmp1(0xff, 0x80); }));
  EXPECT_EQ((Record{2, 0xffff, 0x8001}),
            record_of([] { __sanitizer_cov_trace_cmp2(0xffff, 0x8001); }));
  EXPECT_EQ((Record{4, 0xfffffffe, 0x80000001}),
            record_of([] { __sanitizer_cov_trace_cmp4(0xfffffffe, 0x80000001); }));
  EXPECT_EQ((Record{6, ~0ull - 1, 1ull << 63}),
            record_of([] { __sanitizer_cov_trace_cmp8(~0ull - 1, 1ull << 63); }));
}

TEST_F(Callbacks, Rule27_so_are_those_with_a_constant) {
  EXPECT_EQ((Record{1, 0xff, 0x80}),
            record_of([] { __sanitizer_cov_trace_const_cmp1(0xff, 0x80); }));
  EXPECT_EQ((Record{3, 0xffff, 0x8001}),
            record_of([] { __sanitizer_cov_trace_const_cmp2(0xffff, 0x8001); }));
  EXPECT_EQ((Record{5, 0xfffffffe, 0x80000001}),
            record_of([] { __sanitizer_cov_trace_const_cmp4(0xfffffffe, 0x80000001); }));
  EXPECT_EQ((Record{7, ~0ull - 1, 1ull << 63}),
            record_of([] { __sanitizer_cov_trace_const_cmp8(~0ull - 1, 1ull << 63); }));
}

TEST_F(Callbacks, Rule27_a_switch_has_its_width_in_its_type) {
  static constexpr std::uint64_t kCases[] = {1, 32, 0xfffffffe};
  EXPECT_EQ((Record{5, 0xfffffffe, 0x80000001}),
            record_of([] { __sanitizer_cov_trace_switch(0x80000001, kCases); }));
}

TEST_F(Callbacks, A_record_holds_the_address_that_the_callback_returns_to) {
  auto* const descriptor = initialized();
  ASSERT_EQ(0, descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC));
  __sanitizer_cov_trace_pc();
  __sanitizer_cov_trace_pc();
  const std::uint64_t* const area = area_of(*descriptor);
  EXPECT_EQ(2u, area[0]);
  EXPECT_LT(area[1], area[2]);
  EXPECT_GT(area[1] + 4096, area[2]);
  EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
  descriptor->close();
}

// A port that tells the context by one word, as Linux does by its preemption count.
struct WordPort : FakePort {
  static constexpr std::uint32_t kSoftInterrupt = 0x100;
  static std::uint32_t context_word() noexcept {
    switch (world->context) {
      case Context::task: return 0;
      case Context::soft_interrupt: return kSoftInterrupt;
      case Context::hard_interrupt: return 0x10000;
    }
    return 0x10000;
  }
};

TEST_F(Core, Rule28_one_word_tells_the_same_as_the_context) {
  EXPECT_EQ(0x100u, soft_interrupt_word<WordPort>());
  for (const Context context : {Context::task, Context::soft_interrupt, Context::hard_interrupt}) {
    for (const bool section : {false, true}) {
      world->context = context;
      kcov_task_state by_word{};
      kcov_task_state by_context{};
      if (section) {
        set_aside(by_word, soft_interrupt_word<WordPort>());
        set_aside(by_context, soft_interrupt_word<FakePort>());
      }
      const bool in_place = context == (section ? Context::soft_interrupt : Context::task);
      EXPECT_EQ(in_place, is_in_place<WordPort>(by_word));
      EXPECT_EQ(in_place, is_in_place<FakePort>(by_context));
    }
  }
}

}  // namespace
}  // namespace kcov::test
