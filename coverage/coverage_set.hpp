// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What recordings reached together, each PC knowing which runs, tasks and system calls reached
// it. In it is what the commands did: what following them added is left out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <roaring/roaring.hh>
#include <string>
#include <vector>

#include "coverage/recording.hpp"
#include "support/pc_table.hpp"
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
    // What was run, as it was named.
    std::string program() const { return command.empty() ? std::string() : command.front(); }
  };
  struct Call {
    EntryKind kind = EntryKind::other;
    std::string name;  // of the entry: "read", "page fault"
    Pcs pcs;
  };

  std::string machine;              // "um, our kcov"; "several" when runs were on several
  std::string release;              // of the kernel
  std::string build_id;             // empty: no kernel was traced
  std::vector<Module> modules;      // at the addresses of `locations`
  std::string unnamed;              // why there are no names; empty: there are
  symbol::Locations locations;      // in order of first being reached; each PC once
  std::vector<std::uint64_t> hits;  // of each location: how often it was recorded
  std::vector<Run> runs;
  std::vector<Call> calls;  // by name; empty where there are no names to cut by
};

// Puts recordings together, and sets.
class Merger {
 public:
  // Gives what is in the recording's modules the addresses that it has here. To be called before
  // look_up() and add().
  Status move_modules(Recording& recording, const std::string& name) const;
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  // What is known of a recording's locations, as long as nothing is added.
  struct Known {
    std::vector<std::uint32_t> numbers;  // of each, as the set has them; kNone: it has none
    std::vector<std::uint32_t> unknown;  // the others: of those the names are taken from it
  };
  Known look_up(const Recording& recording) const;
  // `name`: of its file. Errors: it is of another kernel than those before.
  Status add(const Recording& recording, const std::string& name) {
    return add(recording, name, look_up(recording));
  }
  Status add(const Recording& recording, const std::string& name, Known known);
  Status add(CoverageSet set, const std::string& name);
  // What was added, the calls by name. The merger is empty after it.
  CoverageSet take();

 private:
  // Numbers below a limit that is not known beforehand.
  class Bits {
   public:
    void set(std::uint32_t number);
    // Those that are set, which it is without afterwards.
    CoverageSet::Pcs take();

   private:
    std::vector<std::uint64_t> words_;
  };
  struct Call {
    EntryKind kind;
    Bits pcs;
  };

  Status move_modules(std::vector<Module>& modules, symbol::Locations& locations,
                      const std::string& name) const;
  // What must be the same in all that is put together, and the rest of what is known of it.
  Status add_about(const CoverageSet& about, const std::string& program, const std::string& name);
  std::uint32_t number_of(const symbol::Location& location);
  Bits& call(EntryKind kind, const std::string& name);

  CoverageSet set_;
  PcTable numbers_;  // of PCs, as `set_.locations` has them
  std::map<std::string, Call> calls_;
  Bits reached_;  // of one task
};

}  // namespace kcov::coverage
