// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A kernel's image: whether it is instrumented, and how much of it.
#include <fmt/format.h>

#include "doctor/checks.hpp"

namespace kcov::doctor {
namespace {

constexpr const char* kBuildWithKcov =
    "build the kernel with CONFIG_KCOV=y and CONFIG_KCOV_INSTRUMENT_ALL=y, by a compiler that "
    "knows -fsanitize-coverage=trace-pc (kcovtool doctor --on host)";

void check_instrumentation(Section& section, const symbol::Instrumentation& found) {
  if (!found.has_callback) {
    section.problem("kcov",
                    "__sanitizer_cov_trace_pc is not among its symbols: it is a kernel without "
                    "kcov, stripped, or no kernel",
                    kBuildWithKcov);
    return;
  }
  section.ok("kcov", "__sanitizer_cov_trace_pc is among its symbols");
  if (!found.is_known) {
    section.not_known("instrumented",
                      "calls of kcov are looked for in x86-64 code only, and this is another");
    return;
  }
  const double percent =
      100.0 * static_cast<double>(found.instrumented) / static_cast<double>(found.functions);
  if (found.instrumented == 0) {
    section.problem("instrumented", "no function calls kcov", kBuildWithKcov);
    return;
  }
  const std::string seen = fmt::format("{} of {} functions ({:.0f} %) call kcov, in {} places",
                                       found.instrumented, found.functions, percent, found.calls);
  // Where all is asked for, one in ten is left out: early boot, the scheduler, memory, assembly.
  constexpr double kFew = 50;
  if (percent < kFew) {
    section.problem("instrumented", seen + ": only some directories are instrumented",
                    "build the kernel with CONFIG_KCOV_INSTRUMENT_ALL=y");
  } else {
    section.ok("instrumented", seen);
  }
  if (found.comparisons != 0) {
    section.ok("comparisons", fmt::format("{} comparisons are instrumented", found.comparisons));
  } else {
    section.ok("comparisons", "none is instrumented; PCs do not need that",
               "for comparisons, build the kernel with CONFIG_KCOV_ENABLE_COMPARISONS=y");
  }
}

}  // namespace

Section check_image(symbol::Image& image) {
  Section section;
  section.title = fmt::format("the image {}", image.path());
  check_instrumentation(section, image.instrumentation());
  if (image.has_debug_info()) {
    section.ok("debug information", "there: functions, files and lines can be named");
  } else {
    section.problem("debug information", "none: functions can be named, files and lines cannot",
                    "build the kernel with CONFIG_DEBUG_INFO_DWARF5=y, or take the vmlinux that "
                    "was not stripped (a -dbg package)");
  }
  if (!image.build_id().empty()) {
    section.ok("build-id", image.build_id());
  } else {
    section.problem("build-id", "none: it cannot be told whether a kernel that runs is this one",
                    "link with --build-id, as kbuild does");
  }
  return section;
}

}  // namespace kcov::doctor
