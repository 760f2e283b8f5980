// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "coverage/tracer_stops.hpp"

#include <algorithm>
#include <array>

namespace kcov::coverage {
namespace {

using std::string_view;

string_view base_name(string_view symbol) { return symbol.substr(0, symbol.find('.')); }

template <std::size_t size>
bool is_one_of(string_view symbol, const std::array<string_view, size>& names) {
  return std::find(names.begin(), names.end(), base_name(symbol)) != names.end();
}

constexpr std::array<string_view, 5> kStop = {"ptrace_notify", "ptrace_do_notify", "ptrace_stop",
                                              "do_jobctl_trap", "ptrace_trap_notify"};
// On its own in the midst of a call that makes a task: the new one is to be followed too.
constexpr std::array<string_view, 2> kFollow = {"__ptrace_link", "task_set_jobctl_pending"};
// Records of one; where more would be, it was lost in the midst of it.
constexpr std::size_t kLongest = 1000;
// What a task does in them once it is awake again.
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

}  // namespace

std::vector<bool> find_tracer_stops(std::span<const string_view> symbols) {
  std::vector<bool> stops(symbols.size());
  const auto is_stop = [&](std::size_t i) { return is_one_of(symbols[i], kStop); };
  const auto is_ptrace_stop = [&](std::size_t i) { return base_name(symbols[i]) == "ptrace_stop"; };
  std::size_t i = 0;
  // A trace may begin within one: the first task's does not, others' all do.
  bool asleep = true;
  while (i < symbols.size()) {
    if (!is_stop(i)) {
      stops[i] = is_one_of(symbols[i], kFollow);
      ++i;
      asleep = false;
      continue;
    }
    // Its way to sleep, telling the tracer; then ptrace_stop goes on.
    std::size_t end = i;
    const std::size_t last = std::min(symbols.size(), i + kLongest);
    if (!asleep) {
      while (end < last && !is_ptrace_stop(end)) ++end;
      while (end < last && is_ptrace_stop(end)) ++end;
      while (end < last && !is_ptrace_stop(end)) ++end;
      if (end == last) end = i + 1;
    }
    while (end < symbols.size() && (is_stop(end) || is_one_of(symbols[end], kAwake))) ++end;
    std::fill(stops.begin() + static_cast<std::ptrdiff_t>(i),
              stops.begin() + static_cast<std::ptrdiff_t>(end), true);
    i = end;
    asleep = false;
  }
  return stops;
}

bool is_look_for_signals(string_view symbol) { return is_one_of(symbol, kLookForSignals); }

}  // namespace kcov::coverage
