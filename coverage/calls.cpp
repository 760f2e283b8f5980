// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "coverage/calls.hpp"

#include <limits>

#include "coverage/recording.hpp"

namespace kcov::coverage {

std::vector<const Call*> calls_of_entries(const Task& task) {
  std::vector<const Call*> calls(task.entries.size(), nullptr);
  // Between the ends of two calls there is one entry of a call at most: the second's. There is
  // none where nothing of that is instrumented.
  auto entry = task.entries.begin();
  for (const Call& call : task.calls) {
    const std::uint64_t end =
        call.result ? call.records : std::numeric_limits<std::uint64_t>::max();
    bool is_found = false;
    for (; entry != task.entries.end(); ++entry) {
      if (entry->ranges.empty()) continue;
      if (entry->first_record() >= end) break;
      if (entry->kind != EntryKind::system_call || is_found) continue;
      calls[static_cast<std::size_t>(entry - task.entries.begin())] = &call;
      is_found = true;
      // What follows one that did not return is another task's, or the same call made again.
      if (!call.result) {
        ++entry;
        break;
      }
    }
  }
  return calls;
}

}  // namespace kcov::coverage
