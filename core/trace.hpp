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

#include "../include/kcov/uapi.h"
#include "memory.hpp"
#include "port.hpp"

namespace kcov {

// Contract 28: whether this is the task itself or, where a section of a soft interrupt is bound,
// a soft interrupt.
template <Port P>
[[gnu::always_inline]] inline bool is_in_place(const kcov_task_state& task) noexcept {
  if constexpr (requires { P::kSoftInterrupt; }) {
    return P::context_word() == task.soft_interrupt;
  } else {
    return P::context() ==
           (equals_once<0>(task.soft_interrupt) ? Context::task : Context::soft_interrupt);
  }
}

// The state of the running task if it traces in `Mode` and may do so here, else null.
template <Port P, std::uint32_t Mode>
[[gnu::always_inline]] inline kcov_task_state* tracing_task() noexcept {
  kcov_task_state* const task = P::current();
  if (task == nullptr) [[unlikely]]
    return nullptr;
  if (!equals_once<Mode>(task->mode)) [[likely]]
    return nullptr;
  // Pairs with the barrier in bind(): the mode was seen, so the area is there.
  compiler_barrier();
  // After the mode, because the mode says no far more often.
  if (!is_in_place<P>(*task)) [[unlikely]]
    return nullptr;
  return task;
}

// Takes the next record's index in `index`, or counts a dropped record and returns false. `words`
// is the area; `state` gives the task's state whenever it is asked for, for ports that have it at
// hand and no register to keep it in.
template <typename State>
[[gnu::always_inline]] inline bool claim_record(const State& state, std::uint64_t* words,
                                                std::uint64_t& index) noexcept {
  index = load_once(words[0]);
  if (index >= state().bound.capacity) [[unlikely]] {
    increment_once(*state().bound.dropped);
    return false;
  }
  // The count goes first: a callback that an interrupt nests here then takes the
  // next record rather than this one (contract 25).
  store_once(words[0], index + 1);
  compiler_barrier();
  return true;
}

// The bodies of the callbacks once it is known that the task traces. `pc` is the callback's
// return address.
template <Port P>
[[gnu::always_inline]] inline void record_pc(const kcov_task_state& task,
                                             std::uintptr_t pc) noexcept {
  std::uint64_t* const words = task.bound.area;
  std::uint64_t index;
  if (!claim_record([&task]() -> const kcov_task_state& { return task; }, words, index))
      [[unlikely]]
    return;
  store_once(words[1 + index], static_cast<std::uint64_t>(P::canonical_pc(pc)));
}

// `type` is made of KCOV_CMP_CONST and KCOV_CMP_SIZE; the operands come zero-extended
// (contract 27). capacity is a count of records of four words, so no product of the count can
// wrap (contract 26).
template <Port P>
[[gnu::always_inline]] inline void record_cmp(const kcov_task_state& task, std::uint64_t type,
                                              std::uint64_t arg1, std::uint64_t arg2,
                                              std::uintptr_t pc) noexcept {
  std::uint64_t* const words = task.bound.area;
  std::uint64_t index;
  if (!claim_record([&task]() -> const kcov_task_state& { return task; }, words, index))
      [[unlikely]]
    return;
  std::uint64_t* const record = words + 1 + index * KCOV_WORDS_PER_CMP;
  store_once(record[0], type);
  store_once(record[1], arg1);
  store_once(record[2], arg2);
  store_once(record[3], static_cast<std::uint64_t>(P::canonical_pc(pc)));
}

// The same from the beginning.
template <Port P>
[[gnu::always_inline]] inline void trace_pc(std::uintptr_t pc) noexcept {
  if (kcov_task_state* const task = tracing_task<P, KCOV_MODE_TRACE_PC>(); task != nullptr)
      [[unlikely]]
    record_pc<P>(*task, pc);
}

template <Port P>
[[gnu::always_inline]] inline void trace_cmp(std::uint64_t type, std::uint64_t arg1,
                                             std::uint64_t arg2, std::uintptr_t pc) noexcept {
  if (kcov_task_state* const task = tracing_task<P, KCOV_MODE_TRACE_CMP>(); task != nullptr)
      [[unlikely]]
    record_cmp<P>(*task, type, arg1, arg2, pc);
}

// The body of __sanitizer_cov_trace_switch: one constant comparison for each case.
// `cases` is {number of cases, bits of the value, case, case, ...}; a width that is
// none of 8, 16, 32 and 64 records nothing (contract 27).
template <Port P>
[[gnu::always_inline]] inline void trace_switch(std::uint64_t value, const std::uint64_t* cases,
                                                std::uintptr_t pc) noexcept {
  // Once here, so that untraced code does not walk the cases.
  if (tracing_task<P, KCOV_MODE_TRACE_CMP>() == nullptr) [[likely]]
    return;
  std::uint64_t type = KCOV_CMP_CONST;
  switch (cases[1]) {
    case 8: type |= KCOV_CMP_SIZE(0u); break;
    case 16: type |= KCOV_CMP_SIZE(1u); break;
    case 32: type |= KCOV_CMP_SIZE(2u); break;
    case 64: type |= KCOV_CMP_SIZE(3u); break;
    default: return;
  }
  for (std::uint64_t i = 0; i < cases[0]; ++i) trace_cmp<P>(type, cases[2 + i], value, pc);
}

}  // namespace kcov
