// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The formats of `kcovtool trace` and `show`, of one recording.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coverage/recording.hpp"
#include "report/look.hpp"

namespace kcov::report {

using coverage::Recording;
using coverage::Task;

// What the functions of these PCs are to whoever cuts their records. The names must outlive it.
coverage::Code code_of(const symbol::Locations& locations);

// Fills the `entries` of the tasks that have none yet.
void cut(Recording& report);

// Makes all records one entry of the one task, for what is no kernel's trace.
void one_entry(Recording& report, std::string name);

// What entries executed, in order of first execution.
class Paths {
 public:
  explicit Paths(const Recording& report);

  struct Path {
    // The entry's own function first. Inlined ones are there too, but for those of header
    // files.
    std::vector<std::string_view> functions;
    std::size_t fresh = 0;  // PCs that no entry had executed that was asked for before
  };
  Path of(const Task& task, const coverage::Entry& entry);

 private:
  std::vector<std::string_view> names_;
  std::vector<std::vector<std::uint32_t>> functions_;  // of each location, outermost first
  // By location and by name: the number of the last entry that had it.
  std::vector<std::uint32_t> seen_locations_;
  std::vector<std::uint32_t> seen_names_;
  std::uint32_t entries_ = 0;
};

// For people: a line for each entry, then a summary.
std::string text_of(const Recording& report, const Look& look);

// "process 18, started by 7".
std::string heading_of(const Task& task);

// What is not in the trace, a line each: records that were dropped, by task, and tasks that
// were not traced. Empty when nothing is missing.
std::string losses_of(const Recording& report);

// One object; documented in kcovtool(1).
std::string json_of(const Recording& report);

// One 0x… PC a line, task after task.
std::string raw_of(const Recording& report);

}  // namespace kcov::report
