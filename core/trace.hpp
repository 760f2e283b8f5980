// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The bodies of the callbacks: the only hot code of the project. Each port defines
// the callbacks once, in a file that is itself never instrumented, from these.
//
// When nobody traces, a callback is: find the task, load one word, compare,
// return. Everything else (context, buffer, record) comes after that comparison,
// because code pays for the first part whether or not there is a tracer.
//
// The buffer is shared with user space, which may store anything into word 0 at
// any moment. The count is therefore loaded once and bounded against `capacity`,
// which user space cannot reach, before it is used as an index (contract 26):
// whatever was stored, the record lands in words 1 to size - 1 and word 0 only
// ever receives a count.
#pragma once

#include "memory.hpp"
#include "port.hpp"

namespace kcov {

// The state of the running task if it traces in `mode` and may do so here, else null.
template <Port P>
[[gnu::always_inline]] inline kcov_task_state* tracing_task(std::uint32_t mode) noexcept {
  kcov_task_state* const task = P::current();
  if (task == nullptr) [[unlikely]]
    return nullptr;
  if (load_once(task->mode) != mode) [[likely]]
    return nullptr;
  // Pairs with the barrier in bind(): the mode was seen, so the area is there.
  compiler_barrier();
  // Contract 28. After the mode, because the mode says no far more often.
  if (P::context() != Context::task) [[unlikely]]
    return nullptr;
  return task;
}

// A task's buffer as the callback uses it: copies of the task's own fields, so that
// nothing user space stores can change them half-way.
struct Area {
  std::uint64_t* words;
  std::uint64_t capacity;
};

// Takes the next record's index in `index`, or counts a dropped record and returns false.
[[gnu::always_inline]] inline bool claim_record(kcov_task_state& task, const Area& area,
                                                std::uint64_t& index) noexcept {
  index = load_once(area.words[0]);
  if (index >= area.capacity) [[unlikely]] {
    store_once(*task.dropped, load_once(*task.dropped) + 1);
    return false;
  }
  // The count goes first: a callback that an interrupt nests here then takes the
  // next record rather than this one (contract 25).
  store_once(area.words[0], index + 1);
  compiler_barrier();
  return true;
}

// The body of __sanitizer_cov_trace_pc. `pc` is the callback's return address.
template <Port P>
[[gnu::always_inline]] inline void trace_pc(std::uintptr_t pc) noexcept {
  kcov_task_state* const task = tracing_task<P>(KCOV_MODE_TRACE_PC);
  if (task == nullptr) [[likely]]
    return;
  const Area area{task->area, task->capacity};
  std::uint64_t index;
  if (!claim_record(*task, area, index)) [[unlikely]]
    return;
  store_once(area.words[1 + index], static_cast<std::uint64_t>(P::canonical_pc(pc)));
}

}  // namespace kcov
