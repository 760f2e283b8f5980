// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What a kernel says of its calls of the callbacks.
#include <gtest/gtest.h>

#include "doctor/checks.hpp"

namespace kcov::doctor {
namespace {

std::string text(const char* state, int sites, int left_alone) {
  return std::string("state: ") + state + "\ntracers: 0\nsites: " + std::to_string(sites) +
         "\nmodules: 0\nleft_alone: " + std::to_string(left_alone) +
         "\ntable_bytes: 400\nchanges: 3\nlast_change_ns: 5\nlast_took_ns: 2160000\n";
}

Finding found(const std::string& sites) {
  Section section;
  check_sites(section, sites);
  return section.findings.empty() ? Finding() : section.findings.at(0);
}

TEST(Sites, of_a_stock_kernel_nothing_is_said) { EXPECT_EQ("", found("").check); }

TEST(Sites, dormant_and_awake) {
  EXPECT_EQ(Verdict::ok, found(text("dormant", 100, 0)).verdict);
  EXPECT_EQ(
      "100 calls of the callbacks, none of them made; the last change took 2.2 ms (kcov_sites)",
      found(text("dormant", 100, 0)).seen);
  EXPECT_NE(std::string::npos, found(text("awake", 100, 0)).seen.find("all of them made"));
}

TEST(Sites, calls_that_cannot_be_changed_are_told) {
  const Finding finding = found(text("awake", 100, 7));
  EXPECT_EQ(Verdict::not_known, finding.verdict);
  EXPECT_NE(std::string::npos, finding.seen.find("7 could not be changed")) << finding.seen;
}

TEST(Sites, a_kernel_without_a_table_is_told) {
  const Finding finding = found(text("awake", 0, 0));
  EXPECT_EQ(Verdict::not_known, finding.verdict);
  EXPECT_NE(std::string::npos, finding.seen.find("always made")) << finding.seen;
}

}  // namespace
}  // namespace kcov::doctor
