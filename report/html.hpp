// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Coverage as a directory of HTML that opens from a file:// address at once, however large the
// kernel is: what is not looked at is not loaded. docs/report.md has the format.
#pragma once

#include <cstdint>
#include <string>

#include "coverage/coverage_set.hpp"
#include "report/html_directory.hpp"
#include "report/html_points.hpp"
#include "report/html_source.hpp"
#include "support/result.hpp"
#include "symbol/location.hpp"

namespace kcov::report::html {

struct Summary {
  std::uint32_t covered = 0;  // points
  std::uint32_t points = 0;   // 0: it is not known how many there are
};

// `title`: empty: the commands that ran. The directory is not finished yet.
Result<Summary> write_report(const coverage::CoverageSet& set, Kernel kernel,
                             const SourceFinder& source, const std::string& title,
                             ReportDirectory& directory);

}  // namespace kcov::report::html
