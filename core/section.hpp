// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Remote sections: code that runs elsewhere (a worker, a soft interrupt) on behalf of
// a handle, and what a task's beginning and end mean to kcov.
//
// A section records into an area of its own, because several of one descriptor may
// run at once; when it stops, its records are merged (contract 35).
#pragma once

#include "binding.hpp"
#include "descriptor.hpp"
#include "remote.hpp"

namespace kcov {

// What kcov_task_state.soft_interrupt is while a soft interrupt's section is bound: the value that
// the port compares with, where it has one (is_in_place()).
template <Port P>
constexpr std::uint32_t soft_interrupt_word() noexcept {
  if constexpr (requires { P::kSoftInterrupt; }) {
    static_assert(P::kSoftInterrupt != 0);
    return P::kSoftInterrupt;
  } else {
    return 1;
  }
}

// Begins a section of `handle` in the running task or soft interrupt. Warns of a
// malformed handle and of a section within another, or within a task that traces;
// does nothing for a handle that nobody enabled, and in hard interrupts (contract 34).
template <Port P>
void section_start(std::uint64_t handle) noexcept {
  if (kind_of(handle) == HandleKind::malformed) {
    P::warn("kcov: a remote section with a malformed handle");
    return;
  }
  kcov_task_state* const task = P::current();
  Remote<P>* const remote = Remote<P>::instance();
  const Context context = P::context();
  if (task == nullptr || remote == nullptr || context == Context::hard_interrupt) return;
  const bool soft = context == Context::soft_interrupt;
  if (!soft) Descriptor<P>::end_left_behind(*task);
  if (soft ? task->soft_interrupt != 0 : task->bound.descriptor != nullptr) {
    P::warn("kcov: a remote section within another, or within a traced task");
    return;
  }

  Descriptor<P>* descriptor;
  typename Descriptor<P>::SectionStart start;
  SectionArea* area;
  {
    Guard<P> guard(remote->lock());
    HandleEntry<P>* const entry = remote->find(handle);
    if (entry == nullptr) return;
    descriptor = entry->descriptor;
    start = descriptor->begin_section(!soft);
    area = soft ? Remote<P>::pop(remote->soft_areas()) : start.spare;
  }
  if (area == nullptr && !soft) area = SectionArea::allocate<P>(start.words);
  if (area == nullptr) {
    descriptor->count_lost_section(start.sequence);
    descriptor->put();
    return;
  }
  area->words()[0] = 0;
  area->dropped = 0;
  if (soft) set_aside(*task, soft_interrupt_word<P>());
  bind(*task, start.mode,
       {.area = area->words(),
        .capacity = Descriptor<P>::capacity(area->size, start.mode),
        .dropped = &area->dropped,
        .descriptor = descriptor,
        .sequence = start.sequence,
        .section = 1});
}

// Ends the section that `task`, the running one, is bound to, of a soft interrupt or its
// own, and merges it.
template <Port P>
void end_section(kcov_task_state& task, bool soft) noexcept {
  const kcov_binding binding = task.bound;
  if (soft) {
    put_back(task);
  } else {
    unbind(task);
  }
  auto* const descriptor = static_cast<Descriptor<P>*>(binding.descriptor);
  SectionArea* const area = SectionArea::of(binding.area);
  descriptor->merge(*area, binding.sequence);
  bool kept = true;
  {
    Remote<P>* const remote = Remote<P>::instance();
    Guard<P> guard(remote->lock());
    if (soft) {
      Remote<P>::push(remote->soft_areas(), area);
    } else {
      kept = descriptor->keep_area(*area, binding.sequence);
    }
  }
  if (!kept) P::release(area);
  descriptor->put();
}

// Ends the section that runs here, if one does, and merges it (contract 34, 35).
template <Port P>
void section_stop() noexcept {
  kcov_task_state* const task = P::current();
  const Context context = P::context();
  if (task == nullptr || context == Context::hard_interrupt) return;
  const bool soft = context == Context::soft_interrupt;
  if (!soft) Descriptor<P>::end_left_behind(*task);
  // A soft interrupt whose start found nobody: what is bound is the task's own affair.
  if (soft && task->soft_interrupt == 0) return;
  if (task->bound.section != 0) end_section<P>(*task, soft);
}

// The handle that work done elsewhere for the running task is to be filed under; 0
// where there is none, and in interrupts, which do not work for the task they came upon.
template <Port P>
std::uint64_t common_handle() noexcept {
  const kcov_task_state* const task = P::current();
  return task != nullptr && P::context() == Context::task ? task->common_handle : 0;
}

// Makes `task`, just created by a task whose common handle is `inherited`,
// untraced (contract 31).
[[gnu::always_inline]] inline void task_init(kcov_task_state& task,
                                             std::uint64_t inherited) noexcept {
  // A port may call it on the running task, a copy of its parent by fork().
  store_once(task.mode, KCOV_MODE_OFF);
  compiler_barrier();
  task = kcov_task_state{};
  task.common_handle = inherited;
}

// The calling task, which is `task`, ends (contract 32). To be called before
// anything else of the exit path, so that none of it is recorded.
template <Port P>
void task_exit(kcov_task_state& task) noexcept {
  Descriptor<P>::end_left_behind(task);
  if (task.bound.section != 0) {
    P::warn("kcov: a task ends in the midst of a remote section");
    end_section<P>(task, false);
  }
  Descriptor<P>::release_task(task);
}

}  // namespace kcov
