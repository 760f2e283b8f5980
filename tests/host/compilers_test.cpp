// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The same traced code from each compiler that is installed.
#include <link.h>

#include <string>

#include "support.hpp"

namespace kcov::test {
namespace {

constexpr unsigned long kWords = kPageWords;

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

#ifndef KCOV_TRACED_GCC
TEST(HostRules, Traced_by_gcc) { GTEST_SKIP() << "gcc is not installed"; }
#endif
#ifndef KCOV_TRACED_CLANG
TEST(HostRules, Traced_by_clang) { GTEST_SKIP() << "clang is not installed"; }
#endif

}  // namespace
}  // namespace kcov::test
