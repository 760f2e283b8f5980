// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What is published in which order. On this machine most orders come out right by
// themselves: it is under ThreadSanitizer that a missing one is seen.
#include <thread>

#include "core_test.hpp"

namespace kcov::test {
namespace {

TEST_F(Core, Rule37_whoever_sees_the_count_of_a_merge_sees_its_records) {
  constexpr std::uint64_t kRecords = 10;
  auto* const descriptor = initialized();
  std::uint64_t* const area = area_of(*descriptor);
  std::uint64_t words[4] = {};
  auto* const arg = new (words) kcov_remote_arg;
  arg->area_size = kWords;
  arg->num_handles = 1;
  words[3] = kHandle;
  ASSERT_EQ(0, descriptor->control(KCOV_REMOTE_ENABLE, reinterpret_cast<std::uintptr_t>(words)));
  std::thread reader([area] {
    for (std::uint64_t record = 1; record <= kRecords; ++record) {
      while (__atomic_load_n(&area[0], __ATOMIC_ACQUIRE) < record) std::this_thread::yield();
      EXPECT_EQ(0x1000 + record, area[record]);
    }
  });
  kcov_task_state worker{};
  world->current = &worker;
  for (std::uint64_t record = 1; record <= kRecords; ++record) {
    section_start<FakePort>(kHandle);
    trace_pc<FakePort>(0x1000 + record);
    section_stop<FakePort>();
  }
  reader.join();
  world->current = &world->task;
  EXPECT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
  descriptor->close();
}

TEST_F(Core, Rule08_a_map_during_INIT_has_the_whole_buffer_or_none) {
  for (int round = 0; round < 20; ++round) {
    auto* const descriptor = opened();
    std::atomic<bool> refused = false;
    std::thread user([descriptor, &refused] {
      Mapping mapping;
      while (descriptor->map(0, kWords * 8, mapping) != 0) {
        // Relaxed: an order of the test's own would hide that the core has none.
        refused.store(true, std::memory_order_relaxed);
        std::this_thread::yield();
      }
      EXPECT_EQ(kWords * 8, mapping.bytes);
      EXPECT_EQ(0u, mapping.area[kWords - 1]);
    });
    while (!refused.load(std::memory_order_relaxed)) std::this_thread::yield();
    EXPECT_EQ(0, descriptor->control(KCOV_INIT_TRACE, kWords));
    user.join();
    descriptor->close();
  }
}

// The last of several holders frees what the others wrote to.
TEST_F(Core, Rule33_references_go_at_once_from_several_threads) {
  for (int round = 0; round < 20; ++round) {
    auto* const descriptor = initialized();
    std::uint64_t words[4] = {};
    auto* const arg = new (words) kcov_remote_arg;
    arg->area_size = kWords;
    arg->num_handles = 1;
    words[3] = kHandle;
    ASSERT_EQ(0, descriptor->control(KCOV_REMOTE_ENABLE, reinterpret_cast<std::uintptr_t>(words)));
    ASSERT_EQ(0, descriptor->control(KCOV_DISABLE, 0));
    // As sections hold them.
    (void)descriptor->begin_section(false);
    (void)descriptor->begin_section(false);
    std::vector<std::thread> threads;
    for (int number = 0; number < 3; ++number)
      threads.emplace_back([descriptor] { descriptor->put(); });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(0, world->live_areas + world->live_blocks);
  }
}

}  // namespace
}  // namespace kcov::test
