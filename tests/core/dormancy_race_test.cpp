// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Dormancy with tasks on several CPUs: apart from the rest, because what it finds it may find or
// not, and tests/faults wants to know exactly.
#include <thread>
#include <vector>

#include "core_test.hpp"

namespace kcov::test {
namespace {

using Calls = Dormancy<FakePort>;

class DormancyRaces : public Core {};

// Tasks that begin and end, and one that sleeps whenever it can: whoever traces finds the
// calls made, always.
TEST_F(DormancyRaces, calls_are_made_as_long_as_anybody_traces) {
  constexpr int kRounds = 20000;
  std::atomic<int> running = 3;
  std::atomic<int> lost = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        if (!Calls::begin() || !world->calls_made) ++lost;
        Calls::end();
      }
      --running;
    });
  }
  while (running != 0) Calls::sleep();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(0, lost);
  EXPECT_EQ(0u, Calls::tracers());
  EXPECT_TRUE(Calls::begin());
  Calls::end();
}

}  // namespace
}  // namespace kcov::test
