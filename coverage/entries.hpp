// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Cuts one task's trace into the kernel's entries: system calls, page faults, signals.
//
// A trace is in order of execution, so each system call begins where the entry function
// of some call is entered, and nothing has to be asked of the traced program. What shows
// that a function is *entered*, rather than executed further on, is its entry block: the
// first PC that a trace holds of a function is that block, because a function cannot be
// executed in any other way before it was entered.
//
//   PC of             is it an entry block?    what begins
//   __se_sys_read     yes                      the system call read
//   ksys_read         yes                      nothing: read goes on
//   __se_sys_read     no                       nothing: read goes on
//   handle_mm_fault   yes, and not by gup      a page fault
//   force_sig_fault   yes, after the look-up   a page fault for which there is no memory
//   get_signal        yes                      delivery of a signal
//
// A page fault may come from the program or from the kernel's own access to the
// program's memory in the midst of a system call or of a signal's delivery. In the second
// case the call goes on after it: seen by a PC that lies in a function which the call had entered
// and the fault had not. Such a fault is an entry of its own and belongs to no call; the call's
// records before and after it are one entry.
//
// A loop at a function's head makes its first block come again within one call; such a
// function is known by that block's not being its lowest, and a repetition that follows
// directly on the same function is taken for the loop.
//
// The lab's kernels mark every system call, page fault and trap (handle_syscall, segv,
// relay_signal of arch/um are instrumented there; on x86_64 x64_sys_call is, and
// do_user_addr_fault and the traps' functions are anyway): calls then begin at the marker,
// one whose own code is not instrumented (sched_yield) among them, as "(not instrumented)".
// On other kernels such a call leaves no record and so no entry.
//
// What is left over: functions that the interrupted call enters after a fault and before
// its next block of its own are counted to the fault.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coverage/code.hpp"

namespace kcov::coverage {

enum class EntryKind {
  system_call,
  page_fault,
  trap,    // any other: an illegal instruction, a breakpoint
  signal,  // what is done about pending signals on the way out, delivery among it
  tracer,  // what following the command added (tracer_stops.hpp)
  other,   // what stands before the first entry of a trace
};

// "system call", as files and reports have it.
std::string_view name_of(EntryKind kind);
// Of what is none: other.
EntryKind kind_of(std::string_view name);

struct Entry {
  EntryKind kind = EntryKind::other;
  std::string name;           // "read", "page fault", "signal", "(tracer)", "(before)"
  std::vector<Range> ranges;  // of indices into the trace, ascending; none is empty
  bool is_hidden = false;     // where only others are asked for

  // What the command did, and is to be seen.
  bool is_shown() const { return kind != EntryKind::tracer && !is_hidden; }
  std::size_t record_count() const {
    std::size_t count = 0;
    for (const Range& range : ranges) count += range.end - range.begin;
    return count;
  }
  std::uint32_t first_record() const { return ranges.front().begin; }
  std::uint32_t last_record() const { return ranges.back().end - 1; }
  // Calls visit(record) for each, in order.
  template <typename Visit>
  void for_each_record(Visit visit) const {
    for (const Range& range : ranges)
      for (std::uint32_t record = range.begin; record < range.end; ++record) visit(record);
  }
};

// `records` are a task's, as indices into the PCs that `code` was made of. Every record is
// in exactly one entry; entries are in the order of their first records.
std::vector<Entry> cut_into_entries(std::span<const std::uint32_t> records, const Code& code);

}  // namespace kcov::coverage
