// SPDX-License-Identifier: GPL-2.0-only OR MIT
// One traced command, ready to be written: what ran, on which kernel, and its entries
// with names. The writers below are the formats of `kcovtool trace`.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coverage/entries.hpp"
#include "symbol/image.hpp"

namespace kcov::report {

// One thread of the command.
struct TaskReport {
  struct Program {
    std::size_t records = 0;  // that the task had made when it began to run it
    std::vector<std::string> arguments;
  };
  std::uint64_t id = 0;  // of the thread
  std::uint64_t process = 0;
  std::uint64_t parent = 0;  // process; 0: none that is known
  std::string untraced;      // why it was not traced; empty: it was
  std::vector<Program> programs;
  std::vector<std::uint32_t> records;    // indices into TraceReport::locations, in order
  std::uint64_t capacity = 0;            // PCs that its buffer holds
  bool was_full = false;                 // the buffer, at some time
  std::optional<std::uint64_t> dropped;  // none: the kernel cannot tell
  std::vector<coverage::Entry> entries;

  // Calls visit(location) for each record, in order, but for those of the tracer's entries:
  // what following the command added. Without entries: for all.
  template <typename Visit>
  void for_each_own_record(Visit visit) const {
    std::vector<coverage::Range> added;
    for (const coverage::Entry& entry : entries)
      if (entry.kind == coverage::EntryKind::tracer)
        added.insert(added.end(), entry.ranges.begin(), entry.ranges.end());
    std::sort(added.begin(), added.end(),
              [](const auto& a, const auto& b) { return a.begin < b.begin; });
    std::uint32_t at = 0;
    for (const coverage::Range& range : added) {
      while (at < range.begin) visit(records[at++]);
      at = range.end;
    }
    while (at < records.size()) visit(records[at++]);
  }

  // Whether records are missing, or may be.
  bool is_cut_off() const { return dropped ? *dropped != 0 : was_full; }
};

struct TraceReport {
  std::vector<std::string> command;
  int status = 0;        // exit status, 128 + N for signal N
  std::string machine;   // "um, our kcov"
  std::string release;   // empty: no kernel was traced
  std::string build_id;  // of the kernel that ran
  // Of the PCs that were recorded; only the PC where there are no names.
  symbol::Locations locations;
  std::string unnamed;  // why there are no names; empty: there are
  std::vector<TaskReport> tasks;

  // Of all tasks, those of the tracer too.
  std::size_t record_count() const;
};

// Fills the `entries` of all tasks.
void cut(TraceReport& report);

// Makes all records one entry of the one task, for what is no kernel's trace.
void one_entry(TraceReport& report, std::string name);

// What entries executed, in order of first execution.
class Paths {
 public:
  explicit Paths(const TraceReport& report);

  struct Path {
    // The entry's own function first. Inlined ones are there too, but for those of header
    // files.
    std::vector<std::string_view> functions;
    std::size_t fresh = 0;  // PCs that no entry had executed that was asked for before
  };
  Path of(const TaskReport& task, const coverage::Entry& entry);

 private:
  std::vector<std::string_view> names_;
  std::vector<std::vector<std::uint32_t>> functions_;  // of each location, outermost first
  // By location and by name: the number of the last entry that had it.
  std::vector<std::uint32_t> seen_locations_;
  std::vector<std::uint32_t> seen_names_;
  std::uint32_t entries_ = 0;
};

// For people: a line for each entry, then a summary. `width`: columns that a line may
// take; 0: as many as it needs.
std::string text_of(const TraceReport& report, std::size_t width);

// What is not in the trace, a line each: records that were dropped, by task, and tasks that
// were not traced. Empty when nothing is missing.
std::string losses_of(const TraceReport& report);

// One object; documented in kcovtool(1).
std::string json_of(const TraceReport& report);

// One 0x… PC a line, task after task.
std::string raw_of(const TraceReport& report);

}  // namespace kcov::report
