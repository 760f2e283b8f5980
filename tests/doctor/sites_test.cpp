// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What a kernel says of its calls of the callbacks.
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/doctor/fake_host.hpp"

namespace kcov::doctor {
namespace {

std::string text(const char* state, int sites = 100, int left_alone = 0, int changes = 3,
                 int tracers = 0) {
  return std::string("state: ") + state + "\ntracers: " + std::to_string(tracers) +
         "\nsites: " + std::to_string(sites) +
         "\nmodules: 0\nleft_alone: " + std::to_string(left_alone) +
         "\ntable_bytes: 400\nchanges: " + std::to_string(changes) +
         "\nlast_change_ns: 5\nlast_took_ns: 2160000\n";
}

Finding found(const Sites& sites) {
  Section section;
  check_sites(section, sites);
  return section.findings.empty() ? Finding() : section.findings.at(0);
}

TEST(Sites, of_a_stock_kernel_nothing_is_said) { EXPECT_EQ("", found({}).check); }

TEST(Sites, what_is_told_is_the_state_before_the_trace) {
  const Finding dormant = found({text("dormant"), text("awake"), "10000\n"});
  EXPECT_EQ(Verdict::ok, dormant.verdict);
  EXPECT_EQ("100 calls, dormant before the trace; waking took 2.2 ms; they sleep after 10 s",
            dormant.seen);
  EXPECT_EQ("", dormant.remedy);
  EXPECT_EQ("100 calls, made before the trace; they sleep after 1500 ms",
            found({text("awake"), text("awake"), "1500\n"}).seen);
  EXPECT_EQ("100 calls, made before the trace, since others trace (2); they sleep at once",
            found({text("awake", 100, 0, 3, 2), text("awake", 100, 0, 3, 3), "0\n"}).seen);
  EXPECT_EQ(
      "100 calls, dormant before the trace; the trace did not wake them; they sleep after 10 s",
      found({text("dormant"), text("dormant"), "10000\n"}).seen);
}

TEST(Sites, never_is_told) {
  const Finding made = found({text("awake", 100, 0, 0), text("awake", 100, 0, 0), "never\n"});
  EXPECT_EQ(Verdict::ok, made.verdict);
  EXPECT_EQ("100 calls, made before the trace, and never changed since boot", made.seen);
  EXPECT_EQ("kcov_sleep_after is never: calls are always made", made.remedy);
  const Finding dormant = found({text("dormant"), text("awake"), "never\n"});
  EXPECT_EQ("100 calls, dormant before the trace; waking took 2.2 ms", dormant.seen);
  EXPECT_EQ("kcov_sleep_after is never: from the first trace on calls are always made",
            dormant.remedy);
}

TEST(Sites, calls_that_cannot_be_changed_are_told) {
  const Finding finding = found({text("dormant"), text("awake", 100, 7), "10000\n"});
  EXPECT_EQ(Verdict::not_known, finding.verdict);
  EXPECT_NE(std::string::npos, finding.seen.find("7 could not be changed")) << finding.seen;
}

TEST(Sites, a_kernel_without_a_table_is_told) {
  const Finding finding = found({text("awake", 0), text("awake", 0), "10000\n"});
  EXPECT_EQ(Verdict::not_known, finding.verdict);
  EXPECT_NE(std::string::npos, finding.seen.find("always made")) << finding.seen;
}

using Programs = FakeHost;

TEST_F(Programs, what_keeps_their_calls_from_being_unmade_is_told) {
  const auto examine = [this] {
    Section section;
    check_unmaking(section, host_);
    EXPECT_FALSE(section.has_problem());
    return section;
  };
  EXPECT_TOLD(examine(), "dormancy", "ok | programs can unmake their calls of the callbacks");
  EXPECT_TOLD(examine(), "dormancy", "membarrier() is there | \n");
  unmaking_.not_prefixes = "there is no membarrier()";
  EXPECT_TOLD(examine(), "dormancy",
              "`test` stands in the place of each: there is no membarrier()");
  unmaking_.obstacle = "/proc/self/mem cannot be opened";
  EXPECT_TOLD(examine(), "dormancy",
              "ok | programs always make their calls of the callbacks: /proc/self/mem cannot be "
              "opened | they are slower");
}

TEST_F(Programs, this_machine_is_looked_at) {
  // A page that may only be read is written, as a program's code would be.
  const Unmaking found = Host::here().try_unmaking();
  Section section;
  host_.try_unmaking = [&found] { return found; };
  check_unmaking(section, host_);
  EXPECT_NE(told(section, "dormancy"), "");
  EXPECT_EQ(found.obstacle.empty(), ::access("/proc/self/mem", W_OK) == 0) << found.obstacle;
}

}  // namespace
}  // namespace kcov::doctor
