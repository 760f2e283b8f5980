// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The same traced code from each compiler that is installed.
#include <link.h>

#include <bit>
#include <string>

#include "support.hpp"

extern "C" int gcc_compare_floats(float a, float b);
extern "C" int gcc_compare_doubles(double a, double b);

namespace kcov::test {
namespace {

int first_bias(dl_phdr_info* info, std::size_t, void* bias) {
  *static_cast<std::uint64_t*>(bias) = info->dlpi_addr;
  return 1;
}

class Compilers : public testing::TestWithParam<Traced> {};

TEST_P(Compilers, Both_ways_of_a_branch_give_different_PCs_inside_the_traced_code) {
  std::uint64_t bias = 0;
  dl_iterate_phdr(first_bias, &bias);
  File file;
  ASSERT_EQ(0, file.init(kWords));
  Map map(file.fd(), kWords);
  std::vector<std::uint64_t> pcs[2];
  for (int way = 0; way < 2; ++way) {
    ASSERT_EQ(0, file.enable());
    map.set(0, 0);
    GetParam().choose(way);
    ASSERT_EQ(0, file.disable());
    pcs[way].assign(map.words() + 1, map.words() + 1 + map.count());
    ASSERT_FALSE(pcs[way].empty());
    const std::uint64_t start = reinterpret_cast<std::uintptr_t>(GetParam().choose) - bias;
    for (const std::uint64_t pc : pcs[way]) {
      EXPECT_GT(pc, start) << "a PC is an address in the program's file";
      EXPECT_LT(pc, start + 256);
    }
  }
  EXPECT_NE(pcs[0], pcs[1]);
}

INSTANTIATE_TEST_SUITE_P(HostRules, Compilers, testing::ValuesIn(kTraced),
                         [](const auto& traced) { return std::string(traced.param.name); });

#ifdef KCOV_TRACED_GCC
TEST(HostRules, Rule24_comparisons_of_floating_point_numbers_are_recorded_as_their_bits) {
  File file;
  ASSERT_EQ(0, file.init(kWords));
  Map map(file.fd(), kWords);
  const auto records = [&](const auto& compare) {
    map.set(0, 0);
    EXPECT_EQ(0, file.enable(KCOV_TRACE_CMP));
    compare();
    EXPECT_EQ(0, file.disable());
    return std::vector<std::uint64_t>(map.words() + 1, map.words() + 1 + 4 * map.count());
  };
  const std::vector<std::uint64_t> floats = records([] { gcc_compare_floats(1.5f, -2.0f); });
  ASSERT_EQ(4u, floats.size());
  EXPECT_EQ(KCOV_CMP_SIZE(2u), floats[0]);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(1.5f), floats[1]);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(-2.0f), floats[2]);
  const std::vector<std::uint64_t> doubles = records([] { gcc_compare_doubles(1.5, -2.0); });
  ASSERT_EQ(4u, doubles.size());
  EXPECT_EQ(KCOV_CMP_SIZE(3u), doubles[0]);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(1.5), doubles[1]);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(-2.0), doubles[2]);
}
#endif

#ifndef KCOV_TRACED_GCC
TEST(HostRules, Traced_by_gcc) { GTEST_SKIP() << "gcc is not installed"; }
#endif
#ifndef KCOV_TRACED_CLANG
TEST(HostRules, Traced_by_clang) { GTEST_SKIP() << "clang is not installed"; }
#endif

}  // namespace
}  // namespace kcov::test
