// SPDX-License-Identifier: GPL-2.0-only OR MIT
// One traced command: what ran, on which kernel, what each of its tasks recorded, and, where
// the kernel's image was at hand, the names of the PCs and the entries that they make up.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coverage/calls.hpp"
#include "coverage/entries.hpp"
#include "coverage/modules.hpp"
#include "symbol/location.hpp"

namespace kcov::coverage {

// One thread of the command.
struct Task {
  struct Program {
    std::uint64_t records = 0;  // that the task had made when it began to run it
    std::vector<std::string> arguments;
  };
  std::uint64_t id = 0;  // of the thread
  std::uint64_t process = 0;
  std::uint64_t parent = 0;  // process; 0: none that is known
  std::string untraced;      // why it was not traced; empty: it was
  std::vector<Program> programs;
  std::vector<std::uint32_t> records;    // indices into Recording::locations, in order
  std::uint64_t capacity = 0;            // PCs that its buffer holds
  bool ended = true;                     // false: the recording was broken off before
  bool was_full = false;                 // the buffer, at some time
  std::optional<std::uint64_t> dropped;  // none: the kernel cannot tell
  std::vector<Entry> entries;            // none: there are no names to cut by
  std::vector<Call> calls;               // in order; none: they were not asked for

  // Calls visit(location) for each record, in order, but for those of the tracer's entries, what
  // following the command added, and of hidden ones. Without entries: for all.
  template <typename Visit>
  void for_each_own_record(Visit visit) const {
    std::vector<Range> added;
    for (const Entry& entry : entries)
      if (!entry.is_shown()) added.insert(added.end(), entry.ranges.begin(), entry.ranges.end());
    std::sort(added.begin(), added.end(),
              [](const Range& a, const Range& b) { return a.begin < b.begin; });
    std::uint32_t at = 0;
    for (const Range& range : added) {
      while (at < range.begin) visit(records[at++]);
      at = range.end;
    }
    while (at < records.size()) visit(records[at++]);
  }

  bool is_hidden() const {
    return !entries.empty() && std::all_of(entries.begin(), entries.end(),
                                           [](const Entry& entry) { return entry.is_hidden; });
  }

  // Whether records are missing, or may be.
  bool is_cut_off() const { return dropped ? *dropped != 0 : was_full; }
};

struct Recording {
  std::vector<std::string> command;
  std::optional<int> status;  // exit status, 128 + N for signal N; none: broken off before
  std::string machine;        // "um, our kcov"
  std::string release;        // empty: no kernel was traced
  std::string build_id;       // of the kernel that ran
  // Loaded before the command ran, or after it.
  std::vector<Module> modules;
  // Where the kernel's code began (_stext), if the modules' addresses are those that it told: with
  // KASLR those of PCs are less by as much as it was moved. 0: they are as in PCs.
  std::uint64_t text_start = 0;
  // Of the PCs that were recorded; only the PC where there are no names.
  symbol::Locations locations;
  std::string unnamed;  // why there are no names; empty: there are
  std::vector<Task> tasks;

  // Of all tasks, those of the tracer too.
  std::size_t record_count() const;
};

}  // namespace kcov::coverage
