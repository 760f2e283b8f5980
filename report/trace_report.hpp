// SPDX-License-Identifier: GPL-2.0-only OR MIT
// One traced command, ready to be written: what ran, on which kernel, and its entries
// with names. The writers below are the formats of `kcovtool trace`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coverage/entries.hpp"
#include "symbol/image.hpp"

namespace kcov::report {

struct TraceReport {
  std::vector<std::string> command;
  int status = 0;        // exit status, 128 + N for signal N
  std::string machine;   // "um, our kcov"
  std::string release;   // empty: no kernel was traced
  std::string build_id;  // of the kernel that ran
  std::vector<std::uint64_t> pcs;
  std::uint64_t capacity = 0;            // PCs that the buffer holds
  std::optional<std::uint64_t> dropped;  // none: the kernel cannot tell
  // Beside pcs; empty where there are no names, and `unnamed` says why.
  std::vector<symbol::Location> locations;
  std::string unnamed;
  std::vector<coverage::Entry> entries;

  // Whether records are missing, or may be.
  bool is_cut_off() const { return dropped ? *dropped != 0 : pcs.size() >= capacity; }

  // System calls in the trace that made a further task, whose coverage is not here.
  std::size_t seen_untraced_tasks() const;
  // The same where that is all of them; none: it is not known.
  std::optional<std::size_t> untraced_tasks() const;
};

// Fills `entries` from `pcs` and `locations`.
void cut(TraceReport& report);

// Makes all records one entry, for what is no kernel's trace.
void one_entry(TraceReport& report, std::string name);

// The functions of an entry in order of first execution, its own function first. Inlined
// ones are there too, but for those of header files.
std::vector<std::string_view> call_path(const TraceReport& report, const coverage::Entry& entry);

// For people: a line for each entry, then a summary. `width`: columns that a line may
// take; 0: as many as it needs.
std::string text_of(const TraceReport& report, std::size_t width);

// What is not in the trace, a line each: records that were dropped, tasks that were not
// traced. Empty when nothing is missing.
std::string losses_of(const TraceReport& report);

// One object; documented in kcovtool(1).
std::string json_of(const TraceReport& report);

// One 0x… PC a line.
std::string raw_of(const std::vector<std::uint64_t>& pcs);

}  // namespace kcov::report
