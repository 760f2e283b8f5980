// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Contract 38 and 39, as traces show them: which code calls back. What the build systems
// do with it is tested in tests/host/build.
#include "rules.hpp"

namespace kcov::conformance {
namespace {

RULE(38, files_are_instrumented_as_they_were_told) {
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  map.clear();
  EXPECT(file.enable(), 0);
  map.store(0, 0);
  EXPECT(run(blocks(10)), 0);
  EXPECT(file.disable(), 0);
  // target.c is: each round leaves records.
  EXPECT(map.own_pcs() >= 10, true);
  // What drives it (module.c, or this program) is not: between the first and the last
  // record of target.c there is none of another file.
  std::size_t first = 0;
  std::size_t last = 0;
  for (std::size_t record = 1; record <= map.load(0); ++record) {
    if (!is_own(map.load(record))) continue;
    if (first == 0) first = record;
    last = record;
  }
  EXPECT(last - first + 1, map.own_pcs());
  EXPECT(map.pcs_within(TestFile::ranges().left_out), 0);
  EXPECT(map.pcs_within(TestFile::ranges().target) > 0, true);
}

RULE(39, what_is_no_function_of_the_inputs_is_left_out) {
  const File file;
  EXPECT(file.init(1 << 16), 0);
  const Map map(file, 8 << 16);
  map.clear();
  EXPECT(file.enable(), 0);
  map.store(0, 0);
  // Sleeping, being woken, allocating, starting a thread of the kernel.
  EXPECT(run({sleep_for(5), enter(KCOV_TEST_KTHREAD, blocks(1)), blocks(2)}), 0);
  EXPECT(file.disable(), 0);
  EXPECT(map.own_pcs(), pcs_of_work());
  const kcov_test_ranges ranges = TestFile::ranges();
  for (const kcov_test_range& range :
       {ranges.scheduler[0], ranges.scheduler[1], ranges.slab, ranges.trees}) {
    if (range.end == 0) {
      not_here("a scheduler and allocators of kcov's own system");
      break;
    }
    EXPECT(map.pcs_within(range), 0);
  }
}

}  // namespace
}  // namespace kcov::conformance
