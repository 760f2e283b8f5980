// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "coverage/entries.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "coverage/tracer_stops.hpp"

namespace kcov::coverage {
namespace {

using std::string_view;

// ".constprop.0", ".isra.0", ".part.0", ".cold" are the compiler's, not the function's.
string_view base_name(string_view symbol) { return symbol.substr(0, symbol.find('.')); }

bool is_one_of(string_view name, std::span<const string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Called by nobody but the architecture's fault handler: um's, and x86_64's, whose
// exc_page_fault may not be instrumented (what is seen of it is its end).
constexpr std::array<string_view, 6> kFaultRoots = {"segv_handler",          "segv",
                                                    "handle_page_fault",     "kmmio_fault",
                                                    "fault_in_kernel_space", "do_user_addr_fault"};
// Other traps (an illegal instruction, a breakpoint), where they are instrumented.
constexpr std::array<string_view, 8> kTrapRoots = {
    "relay_signal",           "bus_handler",  // um
    "handle_invalid_op",      "error_get_trap_addr", "do_error_trap", "do_int3_user",
    "gp_user_force_sig_segv", "math_error"};  // x86_64
// Where every system call passes before its own function is called: on um, on x86_64.
constexpr std::array<string_view, 2> kCallMarkers = {"handle_syscall", "x64_sys_call"};
// What the fault handler of an architecture without instrumentation calls before
// handle_mm_fault: looking up the area.
constexpr std::array<string_view, 9> kFaultPreamble = {
    "find_vma", "lock_mm_and_find_vma", "lock_vma_under_rcu", "mt_find",   "mtree_load",
    "mas_walk", "mas_state_walk",       "mas_find",           "mas_start",
};
// Who calls handle_mm_fault as a plain function, on behalf of a system call.
constexpr std::array<string_view, 4> kFaultCallers = {"faultin_page", "__get_user_pages",
                                                      "fixup_user_fault", "hmm_vma_fault"};
constexpr std::array<string_view, 3> kSignalRoots = {"get_signal", "arch_do_signal_or_restart",
                                                     "do_signal"};

class Cutter {
 public:
  Cutter(std::span<const std::uint64_t> pcs, std::span<const string_view> symbols)
      : pcs_(pcs), symbols_(symbols) {}

  std::vector<Entry> cut() {
    for (std::size_t i = 0; i < pcs_.size(); ++i) {
      const auto [found, is_new] = blocks_.try_emplace(symbols_[i], Blocks{pcs_[i], pcs_[i]});
      found->second.lowest = std::min(found->second.lowest, pcs_[i]);
      marked_ = marked_ || is_one_of(symbols_[i], kCallMarkers);
    }
    for (std::size_t i = 0; i < pcs_.size(); ++i) {
      const string_view name = base_name(symbols_[i]);
      if (is_entry_block(i)) {
        begin_if_root(i, name);
      } else if (fault_is_over(name)) {
        current_ = *interrupted_;
        interrupted_.reset();
      }
      if (!current_) begin(EntryKind::other, "(before)");
      append(i, name);
    }
    std::erase_if(entries_, [](const Entry& entry) { return entry.records.empty(); });
    std::sort(entries_.begin(), entries_.end(),
              [](const Entry& a, const Entry& b) { return a.records.front() < b.records.front(); });
    return std::move(entries_);
  }

 private:
  struct Blocks {
    std::uint64_t first;   // in the trace
    std::uint64_t lowest;  // in memory
  };

  bool is_entry_block(std::size_t i) const {
    // The unlikely part of a function, laid out elsewhere: jumped to from within.
    if (symbols_[i].find(".cold") != string_view::npos) return false;
    const Blocks& blocks = blocks_.find(symbols_[i])->second;
    if (pcs_[i] != blocks.first) return false;
    // A function is laid out from its entry on. Where the first block is not the lowest, it
    // is the head of a loop, and comes again in the same call.
    return blocks.first == blocks.lowest || i == 0 || symbols_[i - 1] != symbols_[i];
  }

  void begin_if_root(std::size_t i, string_view name) {
    if (is_one_of(name, kCallMarkers)) {
      interrupted_.reset();
      begin(EntryKind::system_call, std::string(kUnnamed));
    } else if (std::string call = system_call_name(name); !call.empty()) {
      begin_call(name, std::move(call));
    } else if (is_one_of(name, kFaultRoots)) {
      if (is_inner_part_of(EntryKind::page_fault, kFaultRoots, name)) return;
      begin_fault();
      fault_has_root_ = true;
    } else if (is_one_of(name, kTrapRoots)) {
      if (is_inner_part_of(EntryKind::trap, kTrapRoots, name)) return;
      interrupted_.reset();
      begin(EntryKind::trap, "trap");
      fault_has_root_ = true;
    } else if (name == "handle_mm_fault" && !fault_has_root_) {
      begin_fault_with_preamble(i);
    } else if (name == "force_sig_fault" && !fault_has_root_ && i > 0 &&
               is_one_of(base_name(symbols_[i - 1]), kFaultPreamble)) {
      // The look-up found no area: there is nothing to map, only a signal to send.
      begin_fault_with_preamble(i);
    } else if (is_one_of(name, kSignalRoots) && !in_signal()) {
      interrupted_.reset();
      begin(EntryKind::signal, "signal");
    }
  }

  // Where calls are marked, the first such function gives the marked call its name.
  void begin_call(string_view name, std::string call) {
    if (marked_ && current_ && entries_[*current_].kind == EntryKind::system_call) {
      if (entries_[*current_].name == kUnnamed) entries_[*current_].name = std::move(call);
      return;
    }
    if (is_inner_part(name, call)) return;
    interrupted_.reset();
    begin(EntryKind::system_call, std::move(call));
  }

  // A handler may be made of several of `roots`, each calling the next.
  bool is_inner_part_of(EntryKind kind, std::span<const string_view> roots,
                        string_view name) const {
    return current_ && entries_[*current_].kind == kind && fault_has_root_ &&
           !entered_[*current_].contains(name) &&
           std::all_of(entered_[*current_].begin(), entered_[*current_].end(),
                       [&](string_view entered) { return is_one_of(entered, roots); });
  }

  // A call may be made of several functions, __x64_sys_X, __se_sys_X and __do_sys_X, each
  // calling the next: only the first begins it.
  bool is_inner_part(string_view name, string_view call) const {
    if (!current_ || entries_[*current_].name != call || entered_[*current_].contains(name)) {
      return false;
    }
    return std::all_of(entered_[*current_].begin(), entered_[*current_].end(),
                       [&](string_view entered) { return system_call_name(entered) == call; });
  }

  bool in_signal() const { return current_ && entries_[*current_].kind == EntryKind::signal; }

  void begin(EntryKind kind, std::string name) {
    current_ = entries_.size();
    entries_.push_back({kind, std::move(name), {}});
    entered_.emplace_back();
    fault_has_root_ = false;
  }

  void begin_fault() {
    if (!interrupted_ && current_ && entries_[*current_].kind != EntryKind::page_fault) {
      interrupted_ = current_;
    }
    begin(EntryKind::page_fault, "page fault");
  }

  // `i` enters what follows the look-up of the area; the fault began with that look-up,
  // unless the caller is a system call's own work.
  void begin_fault_with_preamble(std::size_t i) {
    std::size_t first = i;
    while (first > 0 && is_one_of(base_name(symbols_[first - 1]), kFaultPreamble)) --first;
    if (first > 0 && is_one_of(base_name(symbols_[first - 1]), kFaultCallers)) return;
    std::vector<std::size_t> preamble;
    if (current_) {
      std::vector<std::size_t>& records = entries_[*current_].records;
      while (!records.empty() && records.back() >= first) {
        preamble.insert(preamble.begin(), records.back());
        records.pop_back();
      }
    }
    begin_fault();
    for (const std::size_t record : preamble) append(record, base_name(symbols_[record]));
  }

  // The interrupted call is back when a function of its own goes on.
  bool fault_is_over(string_view name) const {
    return interrupted_ && current_ && !entered_[*current_].contains(name) &&
           entered_[*interrupted_].contains(name);
  }

  void append(std::size_t i, string_view name) {
    entries_[*current_].records.push_back(i);
    entered_[*current_].insert(name);
  }

  std::span<const std::uint64_t> pcs_;
  std::span<const string_view> symbols_;
  std::vector<Entry> entries_;
  // Beside entries_: the functions that each has entered.
  std::vector<std::unordered_set<string_view>> entered_;
  std::unordered_map<string_view, Blocks> blocks_;
  std::optional<std::size_t> current_;
  // The call that a page fault came into.
  std::optional<std::size_t> interrupted_;
  // The current entry is a fault whose handler is instrumented itself: it calls
  // handle_mm_fault, perhaps more than once.
  bool fault_has_root_ = false;
  // The trace holds the marker of system calls.
  bool marked_ = false;
};

}  // namespace

std::vector<Entry> cut_into_entries(std::span<const std::uint64_t> pcs,
                                    std::span<const string_view> symbols) {
  const std::vector<bool> is_stop = find_tracer_stops(symbols);
  // What is left when the stops are taken out, and where it was.
  std::vector<std::uint64_t> own_pcs;
  std::vector<string_view> own_symbols;
  std::vector<std::size_t> places;
  std::vector<Entry> stops;
  for (std::size_t i = 0; i < pcs.size(); ++i) {
    if (!is_stop[i]) {
      own_pcs.push_back(pcs[i]);
      own_symbols.push_back(symbols[i]);
      places.push_back(i);
      continue;
    }
    if (i == 0 || !is_stop[i - 1]) stops.push_back({EntryKind::tracer, "(tracer)", {}});
    stops.back().records.push_back(i);
  }
  std::vector<Entry> entries = Cutter(own_pcs, own_symbols).cut();
  for (Entry& entry : entries) {
    for (std::size_t& record : entry.records) record = places[record];
    // A stop that is no signal's is a look for signals that finds none.
    if (!stops.empty() && entry.kind == EntryKind::signal &&
        std::all_of(entry.records.begin(), entry.records.end(),
                    [&](std::size_t record) { return is_look_for_signals(symbols[record]); })) {
      entry.kind = EntryKind::tracer;
      entry.name = "(tracer)";
    }
  }
  entries.insert(entries.end(), std::make_move_iterator(stops.begin()),
                 std::make_move_iterator(stops.end()));
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.records.front() < b.records.front(); });
  return entries;
}

bool is_entry_function(string_view symbol) {
  const string_view name = base_name(symbol);
  return is_one_of(name, kCallMarkers) || is_one_of(name, kFaultRoots) ||
         is_one_of(name, kTrapRoots) || !system_call_name(name).empty();
}

std::string system_call_name(string_view symbol) {
  static constexpr std::array<string_view, 7> kPrefixes = {
      "__x64_sys_",   "__ia32_sys_",  "__se_sys_", "__do_sys_",
      "__arm64_sys_", "__riscv_sys_", "sys_"};
  // Where the kernel's name differs from the call's.
  static constexpr std::array<std::array<string_view, 2>, 8> kNames = {
      {{"newstat", "stat"},
       {"newlstat", "lstat"},
       {"newfstat", "fstat"},
       {"newuname", "uname"},
       {"ni_syscall", "(not implemented)"},
       {"sendfile64", "sendfile"},
       {"umount", "umount2"},
       {"mmap_pgoff", "mmap"}}};
  // Named like an entry, but drawing on frame buffers and such.
  static constexpr std::array<string_view, 4> kOthers = {"sys_fillrect", "sys_copyarea",
                                                         "sys_imageblit", "sys_off_notify"};
  const string_view name = base_name(symbol);
  if (is_one_of(name, kOthers)) return {};
  for (const string_view prefix : kPrefixes) {
    if (!name.starts_with(prefix)) continue;
    const string_view call = name.substr(prefix.size());
    for (const auto& [kernel, user] : kNames) {
      if (call == kernel) return std::string(user);
    }
    return std::string(call);
  }
  return {};
}

}  // namespace kcov::coverage
