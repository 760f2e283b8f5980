// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <fmt/format.h>

#include "doctor/checks.hpp"
#include "support/text.hpp"

namespace kcov::doctor {

void check_sites(Section& section, const std::string& text) {
  // A stock kernel has no such file, and one without debugfs neither.
  if (text.empty()) return;
  const std::uint64_t sites = field(text, "sites");
  const std::uint64_t left_alone = field(text, "left_alone");
  const bool dormant = text.find("state: dormant") != std::string::npos;
  if (sites == 0) {
    section.not_known(
        "dormancy",
        "the kernel has no table of the calls of its callbacks: they are always made, "
        "also while nobody traces",
        "build it with gcc for x86_64, or user-mode Linux without modules");
    return;
  }
  const std::string seen =
      fmt::format("{} calls of the callbacks, {}; the last change took {:.1f} ms (kcov_sites)",
                  sites, dormant ? "none of them made" : "all of them made",
                  static_cast<double>(field(text, "last_took_ns")) / 1e6);
  if (left_alone == 0) {
    section.ok("dormancy", seen);
  } else {
    section.not_known(
        "dormancy",
        fmt::format("{}; {} could not be changed, there is something else", seen, left_alone),
        "take the probes (kprobes, perf probe) out of the kernel");
  }
}

}  // namespace kcov::doctor
