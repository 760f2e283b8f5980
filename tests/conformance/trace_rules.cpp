// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Contract 12 to 19 and 24 to 27: enabling, disabling, recording.
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <time.h>

#include <array>
#include <atomic>
#include <cstring>
#include <thread>

#include "rules.hpp"

namespace kcov::conformance {
namespace {

RULE(12, enable_needs_an_initialised_free_descriptor) {
  const File file;
  EXPECT(file.enable(), -EINVAL);
  EXPECT(file.init(), 0);
  EXPECT(file.enable(), 0);
  EXPECT(file.enable(), -EINVAL);
  EXPECT(in_thread([&] { return file.enable(); }), -EINVAL);
  EXPECT(file.disable(), 0);
}

RULE(13, a_thread_traces_through_one_descriptor) {
  const File file;
  const File other;
  EXPECT(file.init(), 0);
  EXPECT(other.init(), 0);
  EXPECT(file.enable(), 0);
  EXPECT(other.enable(), -EBUSY);
  EXPECT(other.enable(77), -EBUSY);  // before the mode
  EXPECT(file.disable(), 0);
  EXPECT(other.enable(), 0);
  EXPECT(other.disable(), 0);
}

RULE(14, unknown_modes_change_nothing) {
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  map.clear();
  for (const unsigned long mode : {2ul, 3ul, 1ul << 32, ~0ul}) EXPECT(file.enable(mode), -EINVAL);
  work();
  EXPECT(map.load(0), 0);
  EXPECT(file.disable(), -EINVAL);
  for (const unsigned long mode : {KCOV_TRACE_PC, KCOV_TRACE_CMP}) {
    EXPECT(file.enable(mode), 0);
    EXPECT(file.disable(), 0);
  }
}

RULE(15, mmap_is_not_required) {
  const File file;
  EXPECT(file.init(), 0);
  EXPECT(file.enable(), 0);
  work();
  EXPECT(file.disable(), 0);
  EXPECT(Map(file).own_pcs(), pcs_of_work());
}

RULE(16, records_append_and_the_ioctls_end_is_recorded) {
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  map.clear();
  map.store(0, 7);
  EXPECT(file.enable(), 0);
  const std::uint64_t after_ioctl = map.load(0);
  EXPECT(after_ioctl > 7, !subject.host);
  if (subject.host) not_here("the ioctl's own end, which is no code that is traced");
  EXPECT(map.load(7), 0);
  work();
  EXPECT(map.load(8) != 0, true);
  EXPECT(map.load(0) > after_ioctl, true);
  EXPECT(file.disable(), 0);
  const std::uint64_t first = map.load(0);
  EXPECT(file.enable(), 0);
  work();
  EXPECT(file.disable(), 0);
  EXPECT(map.load(0) > first, true);
  EXPECT(map.own_pcs(), 2 * pcs_of_work());
}

RULE(17, a_fresh_large_buffer_is_faulted_in) {
  constexpr std::size_t kLarge = 4 << 20;
  const File file;
  EXPECT(file.init(kLarge), 0);
  if (subject.host) {
    const Map map(file, kLarge * 8);
    std::vector<unsigned char> resident(kLarge * 8 / 4096);
    EXPECT(::mincore(map.memory(), kLarge * 8, resident.data()), 0);
    std::size_t before = 0;
    for (const unsigned char page : resident) before += page & 1;
    EXPECT(before, 0);
    EXPECT(file.enable(), 0);
    EXPECT(::mincore(map.memory(), kLarge * 8, resident.data()), 0);
    EXPECT(file.disable(), 0);
    std::size_t after = 0;
    for (const unsigned char page : resident) after += page & 1;
    EXPECT(after, resident.size());
    return;
  }
  // These kernels map such memory at once; what is seen is that nothing of it is recorded.
  EXPECT(file.enable(), 0);
  (void)!::read(-1, nullptr, 0);
  EXPECT(file.disable(), 0);
  const Map map(file, kLarge * 8);
  EXPECT(map.load(0) > 6 && map.load(0) < 200, true);
}

RULE(18, disable_is_for_the_bound_thread) {
  const File file;
  const File other;
  EXPECT(file.disable(), -EINVAL);
  EXPECT(file.init(), 0);
  EXPECT(other.init(), 0);
  EXPECT(file.disable(), -EINVAL);
  EXPECT(file.enable(), 0);
  EXPECT(file.disable(1), -EINVAL);
  EXPECT(file.disable(1ul << 32), -EINVAL);
  EXPECT(other.disable(), -EINVAL);
  EXPECT(in_thread([&] { return file.disable(); }), -EINVAL);
  EXPECT(in_child([&] { return file.disable() == -EINVAL ? 0 : 1; }), 0);
  EXPECT(file.disable(), 0);
  EXPECT(file.disable(), -EINVAL);
}

RULE(19, after_disable_data_stands_and_any_thread_may_enable_in_either_mode) {
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  map.clear();
  EXPECT(file.enable(), 0);
  work();
  EXPECT(file.disable(), 0);
  const std::uint64_t count = map.load(0);
  work();
  EXPECT(map.load(0) == count && map.load(1) != 0, true);
  EXPECT(in_thread([&] {
           const long enabled = file.enable();
           if (enabled != 0) return enabled;
           work();
           return file.disable();
         }),
         0);
  EXPECT(map.own_pcs(), 2 * pcs_of_work());
  map.store(0, 0);
  EXPECT(file.enable(KCOV_TRACE_CMP), 0);
  EXPECT(run(compare()), 0);
  EXPECT(file.disable(), 0);
  EXPECT(map.load(0) > 0, true);
}

RULE(24, capacity_and_what_does_not_fit_is_dropped_and_counted) {
  const struct {
    unsigned long mode;
    std::uint64_t capacity;
  } modes[] = {{KCOV_TRACE_PC, 511}, {KCOV_TRACE_CMP, 127}};
  for (const auto& [mode, capacity] : modes) {
    const File file;
    EXPECT(file.init(512), 0);  // one page
    const Map map(file, 4096);
    EXPECT(file.enable(mode), 0);
    map.store(0, 0);
    for (int i = 0; i < 200; ++i) EXPECT(run({blocks(4), compare()}), 0);
    EXPECT(map.load(0), capacity);
    EXPECT(file.disable(), 0);
    EXPECT(map.load(0), capacity);
    EXPECT(map.load(511) != 0, mode == KCOV_TRACE_PC);  // comparisons leave three words
    std::uint64_t dropped = 0;
    EXPECT(file.control(KCOV_GET_DROPPED, reinterpret_cast<unsigned long>(&dropped)),
           subject.stock ? -ENOTTY : 0);
    if (subject.stock) continue;
    EXPECT(dropped > 500, true);
    EXPECT(file.control(KCOV_GET_DROPPED, 8), -EFAULT);
  }
}

RULE(25, an_interrupt_overwrites_no_record) {
  // A hard interrupt's own code is not recorded, so what a nested callback does is seen
  // where the order of the two stores can be forced: in tests/core. Here, under fire: the
  // records of a task that interrupts fall upon are whole.
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  map.clear();
  EXPECT(file.enable(), 0);
  for (int round = 0; round < 20; ++round) {
    map.store(0, 0);
    const long status = run({blocks(2), enter(KCOV_TEST_HARD, blocks(2)), blocks(2)});
    const std::uint64_t count = map.load(0);
    EXPECT(status, 0);
    EXPECT(count < kWords, true);
    for (std::uint64_t record = 1; record <= count && record < kWords; ++record) {
      if (map.load(record) == 0) EXPECT(record, 0);
      map.store(record, 0);
    }
  }
  EXPECT(file.disable(), 0);
}

// The words of a full buffer that changed, after `value` was stored to word 0.
std::size_t changed_words(const Map& map, std::uint64_t value) {
  constexpr std::uint64_t kCanary = 0xfeedfeed;
  for (std::size_t word = 1; word < kWords; ++word) map.store(word, kCanary);
  map.store(0, value);
  kcov_test_program program = program_of({blocks(4), compare()});
  static TestFile& file = *new TestFile;
  EXPECT(file.run(program), 0);
  std::size_t changed = 0;
  for (std::size_t word = 1; word < kWords; ++word) changed += map.load(word) != kCanary;
  return changed;
}

// Linux 6.1, and no later series that is tested, multiplies a count of comparisons before it
// compares: one that wraps makes it write outside the buffer.
bool writes_outside(unsigned long mode, std::uint64_t count) {
  utsname names{};
  ::uname(&names);
  return subject.stock && mode == KCOV_TRACE_CMP && count >= ~std::uint64_t{0} / 32 &&
         std::strncmp(names.release, "6.1.", 4) == 0;
}

RULE(26, user_space_may_store_anything_to_word_0) {
  const struct {
    unsigned long mode;
    std::uint64_t capacity;
    std::size_t words;  // of a record
  } modes[] = {{KCOV_TRACE_PC, kWords - 1, 1}, {KCOV_TRACE_CMP, (kWords - 1) / 4, 4}};
  for (const auto& [mode, capacity, words] : modes) {
    const File file;
    EXPECT(file.init(), 0);
    const Map map(file);
    map.clear();
    EXPECT(file.enable(mode), 0);
    EXPECT(changed_words(map, 0) > 0, true);  // resets
    EXPECT(changed_words(map, 100) > 0, true);
    EXPECT(map.load(100 * words), 0xfeedfeed);  // larger skips
    EXPECT(map.load(100 * words + 1) != 0xfeedfeed, true);
    EXPECT(changed_words(map, capacity - 1), words);
    EXPECT(map.load(0), capacity);
    for (const std::uint64_t value :
         {capacity, capacity + 1, std::uint64_t{1} << 31, std::uint64_t{1} << 32,
          (std::uint64_t{1} << 59) - 1, std::uint64_t{1} << 59, (std::uint64_t{1} << 59) + 1,
          (std::uint64_t{1} << 61) - 1, std::uint64_t{1} << 61, std::uint64_t{1} << 63,
          ~std::uint64_t{0} - 1}) {
      if (writes_outside(mode, value)) {
        stock_differs("a count that wraps makes it write outside the buffer: not stored");
        continue;
      }
      EXPECT(changed_words(map, value), 0);
      EXPECT(map.load(0), value);
    }
    // Stock wraps, and stores a PC over word 0.
    if (!writes_outside(mode, ~std::uint64_t{0}) && (!subject.stock || mode == KCOV_TRACE_CMP)) {
      EXPECT(changed_words(map, ~std::uint64_t{0}), 0);
      EXPECT(map.load(0), ~std::uint64_t{0});
    }
    EXPECT(file.disable(), 0);
  }
}

struct Comparison {
  std::uint64_t type;
  std::uint64_t arg1;
  std::uint64_t arg2;
  bool operator==(const Comparison&) const = default;
};

RULE(27, comparisons_are_recorded_with_width_and_zero_extended_operands) {
  // Large: the way to the comparisons has thousands of its own.
  constexpr std::size_t kLarge = 1 << 16;
  const File file;
  EXPECT(file.init(kLarge), 0);
  const Map map(file, kLarge * 8);
  map.clear();
  EXPECT(file.enable(KCOV_TRACE_CMP), 0);
  map.store(0, 0);
  EXPECT(run({blocks(2), compare()}), 0);
  EXPECT(file.disable(), 0);
  std::vector<Comparison> own;
  EXPECT(map.load(0) < (kLarge - 1) / 4, true);
  for (std::size_t record = 0; record < map.load(0); ++record) {
    const std::size_t word = 1 + record * 4;
    if (is_own(map.load(word + 3)))
      own.push_back({map.load(word), map.load(word + 1), map.load(word + 2)});
  }
  // Type: bit 0 for a constant, which comes first, then log2 of the width in bytes.
  const Comparison expected[] = {
      {0, 0xf1, 0xf2},
      {1, 0x71, 0xf1},
      {2, 0xf1f2, 0xf3f4},
      {3, 0x7172, 0xf1f2},
      {4, 0xf1f2f3f4, 0xf5f6f7f8},
      {5, 0x71727374, 0xf1f2f3f4},
      {6, 0xf1f2f3f4f5f6f7f8, 0xf9fafbfcfdfeff00},
      {7, 0x7172737475767778, 0xf1f2f3f4f5f6f7f8},
      {5, 0x101, 0xf1f2f3f4},
      {5, 0x2002, 0xf1f2f3f4},
      {5, 0x30303, 0xf1f2f3f4},
      {5, 0x4040404, 0xf1f2f3f4},
      {5, 0x50505050, 0xf1f2f3f4},
  };
  for (const Comparison& comparison : expected) {
    std::size_t found = 0;
    for (const Comparison& candidate : own) found += candidate == comparison;
    EXPECT(found, 1);
  }
  // The other kind of callback writes nothing: where a PC would stand there is none.
  for (std::size_t record = 0; record < map.load(0); ++record)
    if (map.load(1 + record * 4) > 7) EXPECT(record, -1);
  map.store(0, 0);
  EXPECT(file.enable(), 0);
  EXPECT(run(compare()), 0);
  EXPECT(file.disable(), 0);
  EXPECT(map.own_pcs() > 0, true);
  for (std::size_t record = 1; record <= map.load(0); ++record)
    if (map.load(record) < 16) EXPECT(map.load(record), 16);
}

}  // namespace
}  // namespace kcov::conformance
