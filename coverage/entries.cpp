// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "coverage/entries.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <utility>

#include "coverage/tracer_stops.hpp"

namespace kcov::coverage {
namespace {

constexpr std::array<std::pair<EntryKind, std::string_view>, 6> kKinds = {{
    {EntryKind::system_call, "system call"},
    {EntryKind::page_fault, "page fault"},
    {EntryKind::trap, "trap"},
    {EntryKind::signal, "signal"},
    {EntryKind::tracer, "tracer"},
    {EntryKind::other, "other"},
}};

// An entry that is being cut, and the functions that it has entered.
class Open {
 public:
  explicit Open(std::size_t functions) : entered_(functions, 0) {}

  void begin(std::size_t entry) {
    entry_ = entry;
    ++generation_;
    count_ = 0;
    known_to_ = 0;
  }
  std::size_t entry() const { return entry_; }
  // Before that record they are known.
  std::uint32_t known_to() const { return known_to_; }
  void set_known_to(std::uint32_t record) { known_to_ = record; }
  bool has_entered(std::uint32_t function) const { return entered_[function] == generation_; }
  void enter(std::uint32_t function) {
    if (has_entered(function)) return;
    entered_[function] = generation_;
    // Enough to see whether it is more than its own beginning.
    if (count_ < kFirst) first_[count_] = function;
    ++count_;
  }
  // Whether `test` holds of every function that it has entered.
  template <typename Test>
  bool has_entered_only(Test test) const {
    return count_ <= kFirst && std::all_of(first_, first_ + count_, test);
  }

 private:
  static constexpr std::size_t kFirst = 16;
  std::vector<std::uint32_t> entered_;  // the generation that did so last
  std::uint32_t generation_ = 0;
  std::size_t entry_ = 0;
  std::uint32_t known_to_ = 0;
  std::size_t count_ = 0;
  std::uint32_t first_[kFirst] = {};
};

class Cutter {
 public:
  Cutter(std::span<const std::uint32_t> records, const Code& code)
      : records_(records),
        code_(code),
        blocks_(code.function_count(), Blocks{kNone, kNone}),
        is_new_(code.pc_count(), true),
        current_(code.function_count()),
        interrupted_(code.function_count()) {}

  // The entries of all records but those in `left_out`.
  std::vector<Entry> cut(std::span<const Range> left_out) {
    for_each_range(left_out, [&](Range range) {
      for (std::uint32_t i = range.begin;; ++i) {
        // A trace holds each PC thousands of times.
        i = first_flagged<std::uint8_t>(records_, is_new_, i, range.end);
        if (i == range.end) break;
        is_new_[records_[i]] = false;
        Blocks& blocks = blocks_[function_at(i)];
        const std::uint64_t pc = code_.pc(records_[i]);
        if (blocks.first == kNone) blocks.first = pc;
        blocks.lowest = std::min(blocks.lowest, pc);
        marked_ = marked_ || at(i).root == Root::call_marker;
      }
    });
    find_first_blocks();
    for_each_range(left_out, [&](Range range) {
      for (std::uint32_t i = range.begin; i < range.end; ++i) {
        if (has_current_ && !has_interrupted_) {
          const std::uint32_t next =
              first_flagged<std::uint8_t>(records_, may_begin_, i, range.end);
          append({i, next});
          if (next == range.end) break;
          i = next;
        }
        if (i > range.begin) before_ = i - 1;
        if (is_entry_block(i)) {
          begin_if_root(i);
        } else if (fault_is_over(i)) {
          std::swap(current_, interrupted_);
          has_interrupted_ = false;
        }
        if (!has_current_) begin(EntryKind::other, "(before)");
        append({i, i + 1});
      }
      before_ = range.end - 1;
    });
    std::erase_if(entries_, [](const Entry& entry) { return entry.ranges.empty(); });
    return std::move(entries_);
  }

 private:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  struct Blocks {
    std::uint64_t first;   // in the trace
    std::uint64_t lowest;  // in memory
  };

  // Those between the ranges that are left out; none is empty.
  template <typename Visit>
  void for_each_range(std::span<const Range> left_out, Visit visit) const {
    std::uint32_t begin = 0;
    for (const Range& range : left_out) {
      if (begin < range.begin) visit(Range{begin, range.begin});
      begin = range.end;
    }
    const auto end = static_cast<std::uint32_t>(records_.size());
    if (begin < end) visit(Range{begin, end});
  }

  std::uint32_t function_at(std::uint32_t i) const { return code_.function_of(records_[i]); }
  const Function& at(std::uint32_t i) const { return code_.function(function_at(i)); }
  // The function, whatever piece of it: what is asked is whether it was entered.
  std::uint32_t group_at(std::uint32_t i) const { return code_.group_of(records_[i]); }
  Entry& entry() { return entries_[current_.entry()]; }
  const Entry& entry() const { return entries_[current_.entry()]; }

  void find_first_blocks() {
    for (std::uint32_t pc = 0; pc < is_first_.size(); ++pc) {
      const std::uint32_t function = code_.function_of(pc);
      // The unlikely part of a function, laid out elsewhere, is jumped to from within.
      is_first_[pc] = code_.pc(pc) == blocks_[function].first && !code_.function(function).cold;
      may_begin_[pc] = is_first_[pc] && code_.function(function).root != Root::none;
    }
  }

  bool is_entry_block(std::uint32_t i) const {
    if (!is_first_[records_[i]]) return false;
    const std::uint32_t function = function_at(i);
    const Blocks& blocks = blocks_[function];
    // A function is laid out from its entry on. Where the first block is not the lowest, it
    // is the head of a loop, and comes again in the same call.
    return blocks.first == blocks.lowest || !before_ || function_at(*before_) != function;
  }

  void begin_if_root(std::uint32_t i) {
    switch (at(i).root) {
      case Root::none: return;
      case Root::call_marker:
        has_interrupted_ = false;
        return begin(EntryKind::system_call, std::string(kUnnamed));
      case Root::system_call: return begin_call(i);
      case Root::fault:
        if (is_inner_part_of(EntryKind::page_fault, Root::fault, i)) return;
        begin_fault();
        fault_has_root_ = true;
        return;
      case Root::trap:
        if (is_inner_part_of(EntryKind::trap, Root::trap, i)) return;
        has_interrupted_ = false;
        begin(EntryKind::trap, "trap");
        fault_has_root_ = true;
        return;
      case Root::signal:
        if (has_current_ && entry().kind == EntryKind::signal) return;
        has_interrupted_ = false;
        return begin(EntryKind::signal, "signal");
      case Root::handle_mm_fault:
        if (!fault_has_root_) begin_fault_with_preamble();
        return;
      case Root::force_sig_fault:
        // The look-up found no area: there is nothing to map, only a signal to send.
        if (!fault_has_root_ && before_ && at(*before_).fault_preamble) begin_fault_with_preamble();
        return;
    }
  }

  // Where calls are marked, the first such function gives the marked call its name.
  void begin_call(std::uint32_t i) {
    const std::string& call = at(i).call;
    if (marked_ && has_current_ && entry().kind == EntryKind::system_call) {
      if (entry().name == kUnnamed) entry().name = call;
      return;
    }
    // A call may be made of several functions, __x64_sys_X, __se_sys_X and __do_sys_X, each
    // calling the next: only the first begins it.
    if (has_current_ && entry().name == call &&
        !with_functions(current_).has_entered(group_at(i)) &&
        current_.has_entered_only(
            [&](std::uint32_t entered) { return code_.function(entered).call == call; })) {
      return;
    }
    has_interrupted_ = false;
    begin(EntryKind::system_call, call);
  }

  // A handler may be made of several functions, each calling the next.
  bool is_inner_part_of(EntryKind kind, Root root, std::uint32_t i) {
    return has_current_ && entry().kind == kind && fault_has_root_ &&
           !with_functions(current_).has_entered(group_at(i)) &&
           current_.has_entered_only(
               [&](std::uint32_t entered) { return code_.function(entered).root == root; });
  }

  void begin(EntryKind kind, std::string name) {
    current_.begin(entries_.size());
    has_current_ = true;
    entries_.push_back({kind, std::move(name), {}});
    fault_has_root_ = false;
  }

  void begin_fault() {
    if (!has_interrupted_ && has_current_ && entry().kind != EntryKind::page_fault) {
      with_functions(current_);
      std::swap(current_, interrupted_);
      has_interrupted_ = true;
    }
    begin(EntryKind::page_fault, "page fault");
  }

  // What follows the look-up of the area begins a fault that began with that look-up,
  // unless the caller is a system call's own work.
  void begin_fault_with_preamble() {
    std::uint32_t first = before_ ? *before_ + 1 : 0;
    const std::uint32_t after = first;
    const std::uint32_t least =
        has_current_ && !entry().ranges.empty() ? entry().ranges.back().begin : after;
    while (first > least && at(first - 1).fault_preamble) --first;
    if (first > 0 && at(first - 1).fault_caller) return;
    if (first < after) {
      // The look-up was the current entry's until now; the functions it entered stay so.
      with_functions(current_);
      std::vector<Range>& ranges = entry().ranges;
      ranges.back().end = first;
      if (ranges.back().begin == first) ranges.pop_back();
    }
    begin_fault();
    append({first, after});
  }

  // The interrupted call is back when a function of its own goes on.
  bool fault_is_over(std::uint32_t i) {
    if (!has_interrupted_) return false;
    const std::uint32_t function = group_at(i);
    return has_current_ && !with_functions(current_).has_entered(function) &&
           interrupted_.has_entered(function);
  }

  void append(Range added) {
    if (added.begin == added.end) return;
    std::vector<Range>& ranges = entry().ranges;
    if (!ranges.empty() && ranges.back().end == added.begin) {
      ranges.back().end = added.end;
    } else {
      ranges.push_back(added);
    }
  }

  // Only few entries are ever asked what functions they entered.
  const Open& with_functions(Open& open) const {
    const std::vector<Range>& ranges = entries_[open.entry()].ranges;
    auto range = ranges.end();
    while (range != ranges.begin() && std::prev(range)->end > open.known_to()) --range;
    for (; range != ranges.end(); ++range) {
      for (std::uint32_t i = std::max(range->begin, open.known_to()); i < range->end; ++i)
        open.enter(group_at(i));
    }
    if (!ranges.empty()) open.set_known_to(std::max(open.known_to(), ranges.back().end));
    return open;
  }

  std::span<const std::uint32_t> records_;
  const Code& code_;
  std::vector<Entry> entries_;
  std::vector<Blocks> blocks_;  // of each function
  // Of each PC: the trace did not have it yet; it begins its function; an entry may begin there.
  std::vector<std::uint8_t> is_new_;
  std::vector<std::uint8_t> is_first_ = std::vector<std::uint8_t>(is_new_.size());
  std::vector<std::uint8_t> may_begin_ = is_first_;
  Open current_;
  bool has_current_ = false;
  // The call that a page fault came into.
  Open interrupted_;
  bool has_interrupted_ = false;
  // The record before the one that is looked at.
  std::optional<std::uint32_t> before_;
  // The current entry is a fault whose handler is instrumented itself: it calls
  // handle_mm_fault, perhaps more than once.
  bool fault_has_root_ = false;
  // The trace holds the marker of system calls.
  bool marked_ = false;
};

}  // namespace

std::string_view name_of(EntryKind kind) {
  for (const auto& [value, name] : kKinds)
    if (value == kind) return name;
  return {};
}

EntryKind kind_of(std::string_view name) {
  for (const auto& [value, known] : kKinds)
    if (known == name) return value;
  return EntryKind::other;
}

std::vector<Entry> cut_into_entries(std::span<const std::uint32_t> records, const Code& code) {
  const std::vector<Range> stops = find_tracer_stops(records, code);
  std::vector<Entry> entries = Cutter(records, code).cut(stops);
  // A stop that is no signal's is followed by a look for signals that finds none.
  for (Entry& entry : entries) {
    if (stops.empty() || entry.kind != EntryKind::signal) continue;
    bool only_looks = true;
    entry.for_each_record([&](std::uint32_t record) {
      only_looks = only_looks && code.function(code.function_of(records[record])).looks_for_signals;
    });
    if (!only_looks) continue;
    entry.kind = EntryKind::tracer;
    entry.name = "(tracer)";
  }
  const auto is_before = [](const Entry& a, const Entry& b) {
    return a.first_record() < b.first_record();
  };
  // Nearly always; one that a fault took all records from until then may go on behind it.
  if (!std::is_sorted(entries.begin(), entries.end(), is_before))
    std::sort(entries.begin(), entries.end(), is_before);
  const auto cut = static_cast<std::ptrdiff_t>(entries.size());
  for (const Range& stop : stops) entries.push_back({EntryKind::tracer, "(tracer)", {stop}});
  std::inplace_merge(entries.begin(), entries.begin() + cut, entries.end(), is_before);
  return entries;
}

}  // namespace kcov::coverage
