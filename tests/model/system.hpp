// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The real core on the tests' own port, with the same functions as the model.
#pragma once

#include <memory>
#include <vector>

#include "model.hpp"
#include "tests/core/fake_port.hpp"

namespace kcov::test {

class System {
 public:
  using Opened = kcov::Descriptor<FakePort>;

  System() : slots_(kSlots, nullptr), tasks_(kTasks) {
    world = &world_;
    created_ = Remote<FakePort>::create(Model::kSoftAreas, Model::kSoftWords) == 0;
    world_.live_blocks = 0;
  }
  // What was left open leaks, and is seen.
  ~System() {
    if (created_) Remote<FakePort>::destroy();
    world = nullptr;
  }
  System(const System&) = delete;
  System& operator=(const System&) = delete;

  int open(int slot) {
    run({0, Context::task});
    slots_[slot] = Opened::open();
    if (slots_[slot] == nullptr) return -12;
    areas_.push_back({});
    numbers_.push_back(slots_[slot]);
    return 0;
  }
  int close(int slot) {
    run({0, Context::task});
    std::exchange(slots_[slot], nullptr)->close();
    return 0;
  }
  int initialize(int task, int slot, std::uint64_t words) {
    const int result = control(task, slot, KCOV_INIT_TRACE, words);
    Mapping mapping;
    if (result == 0 && slots_[slot]->map(0, words * 8, mapping) == 0)
      areas_[number_of(slots_[slot])] = {mapping.area, words};
    return result;
  }
  int map(int slot, std::uint64_t offset, std::size_t length) {
    Mapping mapping;
    const int result = slots_[slot]->map(offset, length, mapping);
    const bool right =
        mapping.area == (result == 0 ? areas_[number_of(slots_[slot])].words : nullptr);
    return right ? result : 1;
  }
  int enable(int task, int slot, std::uint64_t mode) {
    return control(task, slot, KCOV_ENABLE, mode);
  }
  int disable(int task, int slot, std::uint64_t argument) {
    return control(task, slot, KCOV_DISABLE, argument);
  }
  int remote_enable(int task, int slot, const RemoteRequest& request) {
    std::vector<std::uint64_t> bytes(3 + request.handles.size());
    auto* const arg = new (bytes.data()) kcov_remote_arg;
    const auto count = static_cast<std::uint32_t>(request.handles.size());
    arg->trace_mode = request.mode;
    arg->area_size = request.area_size;
    arg->num_handles = request.defect == RemoteRequest::too_many ? 257 : count;
    arg->common_handle = request.common;
    std::copy(request.handles.begin(), request.handles.end(), bytes.begin() + 3);
    if (request.defect == RemoteRequest::half_readable) world_.copies_until_failure = 1;
    // Fewer than before, so that all that is read is there.
    if (request.defect == RemoteRequest::changed)
      world_.after_copy = [arg] { arg->num_handles ^= 1; };
    const bool readable = request.defect != RemoteRequest::unreadable;
    const int result = control(task, slot, KCOV_REMOTE_ENABLE,
                               readable ? reinterpret_cast<std::uintptr_t>(arg) : 0);
    world_.after_copy = nullptr;
    world_.copies_until_failure = -1;
    return result;
  }
  int command(int task, int slot, std::uint32_t number, std::uintptr_t argument) {
    return control(task, slot, number, argument);
  }
  std::uint64_t dropped(int slot) {
    std::uint64_t count = ~0ull;
    const auto address = reinterpret_cast<std::uintptr_t>(&count);
    // Nobody's call: looking changes nothing for a task.
    run({kNobody, Context::task});
    return slots_[slot]->control(KCOV_GET_DROPPED, address) == 0 ? count : ~0ull;
  }

  void trace_pc(At here, std::uint64_t pc, const During& during) {
    run(here);
    between(here, during, [&] { kcov::trace_pc<FakePort>(pc); });
  }
  void trace_cmp(At here, std::uint64_t type, std::uint64_t arg1, std::uint64_t arg2,
                 std::uint64_t pc, const During& during) {
    run(here);
    between(here, during, [&] { kcov::trace_cmp<FakePort>(type, arg1, arg2, pc); });
  }
  void trace_switch(At here, std::uint64_t value, const std::vector<std::uint64_t>& cases,
                    std::uint64_t pc) {
    run(here);
    kcov::trace_switch<FakePort>(value, cases.data(), pc);
  }
  void store(int slot, std::uint64_t word, std::uint64_t value) {
    if (slots_[slot] == nullptr) return;
    const Area& area = areas_[number_of(slots_[slot])];
    if (area.size != 0) __atomic_store_n(&area.words[word % area.size], value, __ATOMIC_RELAXED);
  }

  void section_start(At here, std::uint64_t handle) {
    run(here);
    kcov::section_start<FakePort>(handle);
  }
  void section_stop(At here) {
    run(here);
    kcov::section_stop<FakePort>();
  }
  std::uint64_t common_handle(At here) {
    run(here);
    return kcov::common_handle<FakePort>();
  }

  void exit(int task) {
    run({task, Context::task});
    task_exit<FakePort>(tasks_[task]);
  }
  void create_task(int task, int parent) { task_init(tasks_[task], tasks_[parent].common_handle); }
  void task_switch(int task, bool begins) {
    if (begins) {
      kcov_begin_switch(&tasks_[task]);
    } else {
      kcov_end_switch(&tasks_[task]);
    }
  }
  void no_memory(int after) { world_.allocations_until_failure = after; }

  World& state() { return world_; }
  const kcov_task_state& task(int number) const { return tasks_[number]; }
  // The descriptor that was opened as the nth, and its buffer; `size` 0: none.
  struct Area {
    std::uint64_t* words = nullptr;
    std::uint64_t size = 0;
  };
  const void* descriptor(int number) const { return numbers_[number]; }
  const Area& area(int number) const { return areas_[number]; }

 private:
  void run(At here) {
    world_.current = here.task == kNobody ? nullptr : &tasks_[here.task];
    world_.context = here.context;
  }
  int control(int task, int slot, std::uint32_t number, std::uintptr_t argument) {
    run({task, Context::task});
    return slots_[slot]->control(number, argument);
  }
  template <typename Callback>
  void between(At here, const During& during, Callback callback) {
    if (during) {
      world_.during_callback = [this, here, &during] {
        during();
        run(here);
      };
    }
    callback();
    world_.during_callback = nullptr;
  }
  // The youngest at that address: memory is used again.
  std::size_t number_of(const Opened* descriptor) const {
    std::size_t number = numbers_.size() - 1;
    while (numbers_[number] != descriptor) --number;
    return number;
  }

  World world_;
  bool created_ = false;
  std::vector<Opened*> slots_;
  std::vector<kcov_task_state> tasks_;
  std::vector<Opened*> numbers_;
  std::vector<Area> areas_;
};

}  // namespace kcov::test
