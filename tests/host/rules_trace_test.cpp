// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Contract 12 to 19, 24 to 26 and 29 on the user-space port: enabling, disabling,
// recording.
#include <atomic>
#include <thread>

#include "support.hpp"

namespace kcov::test {
namespace {

constexpr unsigned long kWords = kPageWords;

// How many records run(times) makes.
std::uint64_t records_of(unsigned times) {
  File file;
  EXPECT_EQ(0, file.init(64 * kWords));
  Map map(file.fd(), 64 * kWords);
  EXPECT_EQ(0, file.enable());
  run(times);
  EXPECT_EQ(0, file.disable());
  EXPECT_EQ(0u, file.dropped());
  return map.count();
}

TEST(HostRules, Rule12_enable_is_EINVAL_before_INIT_and_when_any_thread_has_it) {
  File file;
  EXPECT_EQ(EINVAL, file.enable());
  EXPECT_EQ(EINVAL, file.enable(99)) << "no buffer, whatever the mode";
  ASSERT_EQ(0, file.init(kWords));
  ASSERT_EQ(0, file.enable());
  EXPECT_EQ(EINVAL, file.enable()) << "by this thread";
  std::thread([&] { EXPECT_EQ(EINVAL, file.enable()); }).join();
  EXPECT_EQ(0, file.disable());
}

TEST(HostRules, Rule13_a_busy_thread_is_EBUSY_and_that_is_checked_before_the_mode) {
  File first;
  File second;
  ASSERT_EQ(0, first.init(kWords));
  ASSERT_EQ(0, second.init(kWords));
  ASSERT_EQ(0, first.enable());
  EXPECT_EQ(EBUSY, second.enable());
  EXPECT_EQ(EBUSY, second.enable(99));
  EXPECT_EQ(EBUSY, second.enable(KCOV_TRACE_CMP));
  EXPECT_EQ(0, first.disable());
  EXPECT_EQ(0, second.enable()) << "the refused ones left no trace";
  EXPECT_EQ(0, second.disable());
}

TEST(HostRules, Rule14_an_unknown_mode_is_EINVAL_and_nothing_changes) {
  File file;
  ASSERT_EQ(0, file.init(kWords));
  Map map(file.fd(), kWords);
  for (const unsigned long mode : {2ul, 99ul, 1ul << 32, ~0ul})
    EXPECT_EQ(EINVAL, file.enable(mode));
  run(10);
  EXPECT_EQ(0u, map.count());
  EXPECT_EQ(EINVAL, file.disable());
  EXPECT_EQ(0, file.enable());
  EXPECT_EQ(0, file.disable());
}

TEST(HostRules, Rule15_mmap_is_not_required_first) {
  File file;
  ASSERT_EQ(0, file.init(kWords));
  ASSERT_EQ(0, file.enable());
  run(10);
  ASSERT_EQ(0, file.disable());
  Map map(file.fd(), kWords);
  EXPECT_LT(0u, map.count());
}

TEST(HostRules, Rule16_word_0_is_not_reset_and_records_append) {
  File file;
  ASSERT_EQ(0, file.init(kWords));
  Map map(file.fd(), kWords);
  ASSERT_EQ(0, file.enable());
  run(5);
  ASSERT_EQ(0, file.disable());
  const std::uint64_t first = map.count();
  std::vector<std::uint64_t> before(map.words() + 1, map.words() + 1 + first);
  ASSERT_EQ(0, file.enable());
  EXPECT_EQ(first, map.count()) << "our ioctl itself is not traced code";
  run(5);
  ASSERT_EQ(0, file.disable());
  EXPECT_EQ(2 * first, map.count());
  for (std::size_t record = 0; record < first; ++record) {
    EXPECT_EQ(before[record], map.at(1 + record));
    EXPECT_EQ(before[record], map.at(1 + first + record)) << "the same code, the same PCs";
  }
}

TEST(HostRules, Rule17_the_buffer_is_faulted_in_before_tracing_starts) {
  constexpr std::size_t kPages = 64;
  File file;
  ASSERT_EQ(0, file.init(kPages * kWords));
  Map map(file.fd(), kPages * kWords);
  unsigned char resident[kPages];
  ASSERT_EQ(0, mincore(map.words(), kPages * 4096, resident));
  std::size_t before = 0;
  for (const unsigned char page : resident) before += page & 1;
  EXPECT_EQ(0u, before) << "else this test proves nothing";
  ASSERT_EQ(0, file.enable());
  ASSERT_EQ(0, mincore(map.words(), kPages * 4096, resident));
  ASSERT_EQ(0, file.disable());
  for (std::size_t page = 0; page < kPages; ++page) EXPECT_EQ(1, resident[page] & 1) << page;
}

TEST(HostRules, Rule18_disable_wants_0_and_the_thread_that_is_bound) {
  File file;
  File other;
  EXPECT_EQ(EINVAL, file.disable()) << "not even initialised";
  ASSERT_EQ(0, file.init(kWords));
  ASSERT_EQ(0, other.init(kWords));
  EXPECT_EQ(EINVAL, file.disable()) << "never enabled";
  ASSERT_EQ(0, file.enable());
  EXPECT_EQ(EINVAL, file.disable(1));
  EXPECT_EQ(EINVAL, other.disable()) << "bound to another descriptor";
  std::thread([&] { EXPECT_EQ(EINVAL, file.disable()); }).join();
  EXPECT_EQ(EINVAL, in_child([&] { return file.disable(); })) << "a parent's";
  EXPECT_EQ(0, file.disable());
  EXPECT_EQ(EINVAL, file.disable()) << "disabled already";
}

TEST(HostRules, Rule19_after_disable_the_data_stands_and_any_thread_may_enable) {
  File file;
  ASSERT_EQ(0, file.init(kWords));
  Map map(file.fd(), kWords);
  ASSERT_EQ(0, file.enable());
  run(5);
  ASSERT_EQ(0, file.disable());
  const std::uint64_t count = map.count();
  run(100);
  EXPECT_EQ(count, map.count());
  std::thread([&] {
    EXPECT_EQ(0, file.enable());
    run(5);
    EXPECT_EQ(0, file.disable());
  }).join();
  EXPECT_EQ(2 * count, map.count());
}

TEST(HostRules, Rule24_capacity_is_size_less_1_and_what_is_dropped_is_counted) {
  const std::uint64_t records = records_of(1000);
  File file;
  ASSERT_EQ(0, file.init(kWords));
  Map map(file.fd(), kWords);
  ASSERT_EQ(0, file.enable());
  run(1000);
  ASSERT_EQ(0, file.disable());
  EXPECT_EQ(kWords - 1, map.count());
  EXPECT_NE(0u, map.at(kWords - 1)) << "the last word is used";
  EXPECT_EQ(records - (kWords - 1), file.dropped());
  map.set(0, 0);
  ASSERT_EQ(0, file.enable());
  run(1000);
  ASSERT_EQ(0, file.disable());
  EXPECT_EQ(2 * (records - (kWords - 1)), file.dropped()) << "it never decreases";
}

TEST(HostRules, Rule24_nothing_is_written_past_the_end) {
  File file;
  ASSERT_EQ(0, file.init(10));
  ASSERT_EQ(0, file.enable());
  run(1000);
  ASSERT_EQ(0, file.disable());
  // The rest of the buffer's last page, which kcov's own mmap never shows.
  void* const page = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file.fd(), 0);
  ASSERT_NE(MAP_FAILED, page);
  const auto* const words = static_cast<const std::uint64_t*>(page);
  EXPECT_EQ(9u, words[0]);
  for (std::size_t word = 1; word < 10; ++word) EXPECT_NE(0u, words[word]);
  for (std::size_t word = 10; word < kPageWords; ++word) EXPECT_EQ(0u, words[word]) << word;
  munmap(page, 4096);
}

TEST(HostRules, Rule24_the_number_dropped_to_an_address_that_cannot_be_written_is_EFAULT) {
  File file;
  EXPECT_EQ(EFAULT, file.ioctl(KCOV_GET_DROPPED, 0));
  EXPECT_EQ(EFAULT, file.ioctl(KCOV_GET_DROPPED, 1));
  static const std::uint64_t constant = 7;
  EXPECT_EQ(EFAULT, file.ioctl(KCOV_GET_DROPPED, reinterpret_cast<unsigned long>(&constant)));
}

TEST(HostRules, Rule26_no_value_of_word_0_makes_a_record_land_anywhere_but_in_the_buffer) {
  const std::uint64_t records = records_of(20);
  File file;
  ASSERT_EQ(0, file.init(kWords));
  Map map(file.fd(), kWords);
  constexpr std::uint64_t kCapacity = kWords - 1;
  constexpr std::uint64_t kCanary = 0xCA4A21;
  for (const std::uint64_t value :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{100}, kCapacity - 1, kCapacity,
        kCapacity + 1, std::uint64_t{1} << 31, std::uint64_t{1} << 32, std::uint64_t{1} << 59,
        std::uint64_t{1} << 60, std::uint64_t{1} << 61, std::uint64_t{1} << 63,
        ~std::uint64_t{0} - 7, ~std::uint64_t{0} - 1, ~std::uint64_t{0}}) {
    for (std::size_t word = 1; word < kWords; ++word) map.set(word, kCanary);
    ASSERT_EQ(0, file.enable());
    map.set(0, value);
    run(20);
    ASSERT_EQ(0, file.disable());
    const std::uint64_t room = value < kCapacity ? kCapacity - value : 0;
    const std::uint64_t taken = room < records ? room : records;
    EXPECT_EQ(value + taken, map.count()) << std::hex << value;
    for (std::size_t word = 1; word < kWords; ++word) {
      const bool record = word > value && word <= value + taken;
      EXPECT_EQ(!record, map.at(word) == kCanary) << std::hex << value << ", word " << word;
    }
  }
}

TEST(HostRules, Rule26_storing_to_word_0_while_another_thread_traces_harms_nothing) {
  File file;
  ASSERT_EQ(0, file.init(kWords));
  Map map(file.fd(), kWords);
  std::atomic<bool> done = false;
  std::thread traced([&] {
    EXPECT_EQ(0, file.enable());
    for (int round = 0; round < 2000; ++round) run(50);
    EXPECT_EQ(0, file.disable());
    done = true;
  });
  for (std::uint64_t value = 0; !done; value = value * 6364136223846793005u + 1442695040888963407u)
    map.set(0, value >> (value & 63));
  traced.join();
}

TEST(HostRules, Rule29_only_the_enabling_thread_is_traced) {
  File file;
  ASSERT_EQ(0, file.init(kWords));
  Map map(file.fd(), kWords);
  ASSERT_EQ(0, file.enable());
  map.set(0, 0);
  std::thread([] { run(100); }).join();
  EXPECT_EQ(0u, map.count());
  run(1);
  EXPECT_LT(0u, map.count());
  EXPECT_EQ(0, file.disable());
}

}  // namespace
}  // namespace kcov::test
