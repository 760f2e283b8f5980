// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What recordings reached together, each PC knowing which runs, tasks and system calls reached
// it. In it is what the commands did: what following them added is left out.
#pragma once

#include <cstdint>
#include <optional>
#include <roaring/roaring.hh>
#include <string>
#include <unordered_map>
#include <vector>

#include "coverage/recording.hpp"
#include "support/result.hpp"

namespace kcov::coverage {

struct CoverageSet {
  // Numbers of PCs: indices into `locations`.
  using Pcs = Roaring;

  struct Task {
    std::uint64_t id = 0;  // of the thread
    std::uint64_t process = 0;
    std::string program;  // what it ran last, its arguments separated by spaces
    Pcs pcs;
  };
  struct Run {
    std::string name;  // the recording's file
    std::vector<std::string> command;
    std::optional<int> status;  // exit status, 128 + N for signal N; none: broken off before
    bool is_cut_off = false;    // records are missing, or may be; in any of its tasks
    std::vector<Task> tasks;

    Pcs pcs() const;  // of all its tasks
  };
  struct Call {
    EntryKind kind = EntryKind::other;
    std::string name;  // of the entry: "read", "page fault"
    Pcs pcs;
  };

  std::string machine;              // "um, our kcov"; "several" when runs were on several
  std::string release;              // of the kernel
  std::string build_id;             // empty: no kernel was traced
  std::string unnamed;              // why there are no names; empty: there are
  symbol::Locations locations;      // in order of first being reached; each PC once
  std::vector<std::uint64_t> hits;  // of each location: how often it was recorded
  std::vector<Run> runs;
  std::vector<Call> calls;  // by name; empty where there are no names to cut by
};

// Puts recordings together.
class Merger {
 public:
  // Errors: it is of another kernel than those before.
  Status add(const Recording& recording, const std::string& name);
  // What was added. The merger is empty after it.
  CoverageSet take();

 private:
  CoverageSet set_;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;  // by PC
  std::unordered_map<std::string, std::size_t> calls_;        // by name
};

}  // namespace kcov::coverage
