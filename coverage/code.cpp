// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "coverage/code.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

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

constexpr std::array<string_view, 5> kStopWay = {
    "ptrace_notify", "ptrace_do_notify", "do_jobctl_trap", "ptrace_trap_notify", "ptrace_signal"};
constexpr std::array<string_view, 3> kAwake = {"recalc_sigpending_tsk", "recalc_sigpending",
                                               "task_clear_jobctl_trapping"};

constexpr std::array<string_view, 14> kLookForSignals = {"get_signal",
                                                         "do_signal",
                                                         "dequeue_signal",
                                                         "__dequeue_signal",
                                                         "next_signal",
                                                         "recalc_sigpending",
                                                         "recalc_sigpending_tsk",
                                                         "arch_do_signal_or_restart",
                                                         "try_to_freeze",
                                                         "task_work_run",
                                                         "task_clear_jobctl_pending",
                                                         "task_clear_jobctl_trapping",
                                                         "task_participate_group_stop",
                                                         "hrtimer_forward"};

Root root_of(string_view name, const std::string& call) {
  if (is_one_of(name, kCallMarkers)) return Root::call_marker;
  if (!call.empty()) return Root::system_call;
  if (is_one_of(name, kFaultRoots)) return Root::fault;
  if (is_one_of(name, kTrapRoots)) return Root::trap;
  if (is_one_of(name, kSignalRoots)) return Root::signal;
  if (name == "handle_mm_fault") return Root::handle_mm_fault;
  if (name == "force_sig_fault") return Root::force_sig_fault;
  return Root::none;
}

Stop stop_of(string_view name) {
  if (name == "ptrace_stop") return Stop::ptrace_stop;
  if (is_one_of(name, kStopWay)) return Stop::way;
  if (is_one_of(name, kAwake)) return Stop::awake;
  if (name == "__ptrace_link") return Stop::follow;
  if (name == "task_set_jobctl_pending") return Stop::after_follow;
  return Stop::none;
}

Function describe(string_view symbol) {
  Function function;
  function.name = base_name(symbol);
  function.cold = symbol.find(".cold") != string_view::npos;
  function.call = system_call_name(symbol);
  function.root = root_of(function.name, function.call);
  function.stop = stop_of(function.name);
  function.fault_preamble = is_one_of(function.name, kFaultPreamble);
  function.fault_caller = is_one_of(function.name, kFaultCallers);
  function.looks_for_signals = is_one_of(function.name, kLookForSignals);
  return function;
}

}  // namespace

Code::Code(std::span<const std::uint64_t> pcs, std::span<const string_view> symbols)
    : pcs_(pcs.begin(), pcs.end()) {
  std::unordered_map<string_view, std::uint32_t> numbers;
  std::unordered_map<string_view, std::uint32_t> groups;
  functions_of_.reserve(symbols.size());
  for (const string_view symbol : symbols) {
    const auto [found, is_new] =
        numbers.try_emplace(symbol, static_cast<std::uint32_t>(functions_.size()));
    if (is_new) {
      functions_.push_back(describe(symbol));
      functions_.back().group =
          groups.try_emplace(functions_.back().name, found->second).first->second;
    }
    functions_of_.push_back(found->second);
    groups_of_.push_back(functions_[found->second].group);
    stops_of_.push_back(functions_[found->second].stop);
  }
}

bool is_of_stop(string_view function) {
  const Stop stop = stop_of(function);
  return stop == Stop::way || stop == Stop::ptrace_stop;
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
