// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <fmt/format.h>

#include <string_view>

#include "doctor/checks.hpp"
#include "support/text.hpp"

namespace kcov::doctor {
namespace {

bool is_dormant(const std::string& sites) {
  return sites.find("state: dormant") != std::string::npos;
}

// As they were while nobody of ours traced.
std::string state_before(const std::string& sites) {
  if (is_dormant(sites)) return "dormant before the trace";
  const std::uint64_t tracers = field(sites, "tracers");
  if (tracers != 0) return fmt::format("made before the trace, since others trace ({})", tracers);
  if (field(sites, "changes") == 0) return "made before the trace, and never changed since boot";
  return "made before the trace";
}

// Of the trace: nothing where they were awake.
std::string waking(const Sites& sites) {
  if (!is_dormant(sites.before)) return {};
  if (is_dormant(sites.while_traced)) return "; the trace did not wake them";
  return fmt::format("; waking took {:.1f} ms",
                     static_cast<double>(field(sites.while_traced, "last_took_ns")) / 1e6);
}

// `milliseconds`: the line of kcov_sleep_after.
std::string sleeping(std::string_view milliseconds) {
  const std::uint64_t after = field("after: " + std::string(milliseconds), "after");
  if (after == 0) return "; they sleep at once";
  return after % 1000 == 0 ? fmt::format("; they sleep after {} s", after / 1000)
                           : fmt::format("; they sleep after {} ms", after);
}

}  // namespace

void check_sites(Section& section, const Sites& sites) {
  // A stock kernel has no such file, and one without debugfs neither.
  if (sites.before.empty()) return;
  if (field(sites.before, "sites") == 0) {
    section.not_known(
        "dormancy",
        "the kernel has no table of the calls of its callbacks: they are always made, "
        "also while nobody traces",
        "build it with gcc for x86_64, or user-mode Linux without modules");
    return;
  }
  const std::string_view after =
      std::string_view(sites.sleep_after).substr(0, sites.sleep_after.find('\n'));
  const bool never = after == "never";
  const std::string seen =
      fmt::format("{} calls, {}{}{}", field(sites.before, "sites"), state_before(sites.before),
                  waking(sites), never || after.empty() ? "" : sleeping(after));
  // The last change is that of the trace, if there was one.
  const std::string& last = sites.while_traced.empty() ? sites.before : sites.while_traced;
  if (const std::uint64_t left_alone = field(last, "left_alone"); left_alone != 0) {
    section.not_known(
        "dormancy",
        fmt::format("{}; {} could not be changed, there is something else", seen, left_alone),
        "take the probes (kprobes, perf probe) out of the kernel");
  } else if (!never) {
    section.ok("dormancy", seen);
  } else {
    section.ok("dormancy", seen,
               is_dormant(sites.before)
                   ? "kcov_sleep_after is never: from the first trace on calls are always made"
                   : "kcov_sleep_after is never: calls are always made");
  }
}

// Coverage is the same without.
void check_unmaking(Section& section, const Host& host) {
  const Unmaking found = host.try_unmaking();
  if (!found.obstacle.empty()) {
    section.ok("dormancy", "programs always make their calls of the callbacks: " + found.obstacle,
               "they are slower than they could be while nobody traces");
  } else if (!found.not_prefixes.empty()) {
    section.ok(
        "dormancy",
        "programs can unmake their calls of the callbacks while nobody traces; `test` stands "
        "in the place of each: " +
            found.not_prefixes);
  } else {
    section.ok("dormancy",
               "programs can unmake their calls of the callbacks while nobody traces: "
               "/proc/self/mem can be written to, membarrier() is there");
  }
}

}  // namespace kcov::doctor
