// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What each script of a report holds; docs/report.md documents it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "coverage/coverage_set.hpp"
#include "report/html_files.hpp"
#include "report/html_points.hpp"
#include "report/html_reached.hpp"
#include "report/html_script.hpp"
#include "report/html_source.hpp"

namespace kcov::report::html {

// Who reached what: the set's numbers of PCs, by the numbers of its calls and of its tasks, which
// go on from run to run.
struct Reachers {
  explicit Reachers(const coverage::CoverageSet& set);
  ReachedBy calls;
  ReachedBy tasks;
};

// data/index.js: all that the first page shows.
Json index_data(const coverage::CoverageSet& set, const Points& points, const Tree& tree,
                const std::string& title);
// data/functions.js, for searching.
Json functions_data(const Tree& tree);
// data/runs.js: runs, tasks and calls.
Json runs_data(const coverage::CoverageSet& set, const Points& points);
// data/N.js: a file.
Json file_data(const File& file, const Reachers& reachers, const SourceText& source);

}  // namespace kcov::report::html
