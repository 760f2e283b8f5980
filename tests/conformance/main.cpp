// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Runs every rule, or those whose number is given, and prints a line each:
//
//   ok   05 size_out_of_range_is_EINVAL
//   FAIL 06 ...
//
// then how many. Before a rule's line stand its failures, and what of it cannot be seen
// here, or is otherwise with stock.
//
//   kcov_conformance_kernel [--stock] [RULE...]      as root, with debugfs
//   kcov_conformance_host [RULE...]
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "rules.hpp"

int main(int argc, char** argv) {
  using namespace kcov::conformance;
  std::vector<int> wanted;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--stock") == 0) {
      subject.stock = true;
    } else {
      wanted.push_back(std::atoi(argv[i]));
    }
  }
  std::vector<Rule>& list = rules();
  std::stable_sort(list.begin(), list.end(),
                   [](const Rule& a, const Rule& b) { return a.number < b.number; });
  warnings();
  int ran = 0;
  int failed = 0;
  for (const Rule& rule : list) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), rule.number) == wanted.end())
      continue;
    const int before = failures();
    rule.body();
    // Those that a rule expects it has counted itself.
    EXPECT(warnings(), 0);
    const bool good = failures() == before;
    std::printf("%s %02d %s\n", good ? "ok  " : "FAIL", rule.number, rule.name);
    std::fflush(stdout);
    ++ran;
    failed += !good;
  }
  std::printf("%d rules, %d failed\n", ran, failed);
  return failed == 0 && ran != 0 ? 0 : 1;
}
