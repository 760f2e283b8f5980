// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The contract as a program that can be seen to be right: no locks, no pointers, no
// references to be counted, nothing shared. What is alive is worked out from who needs
// it, every time. Where this project differs from Linux on purpose, so does the model.
//
// One thing it knows of the core's order within a callback, since others may come between
// there: count, then operands, then whatever comes between, then the PC.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "operation.hpp"

namespace kcov::test {

// The code that runs: a task, or an interrupt that came upon it.
struct At {
  int task = 0;
  Context context = Context::task;
};

using During = std::function<void()>;

// How much of what matters the programs reached, for whoever wonders.
struct Reached {
  std::uint64_t records = 0;
  std::uint64_t dropped = 0;
  std::uint64_t enables = 0;
  std::uint64_t remote_enables = 0;
  std::uint64_t merged_records = 0;
  std::uint64_t came_between = 0;  // in the midst of a callback
};

class Model {
 public:
  static constexpr int kSoftAreas = 2;
  static constexpr std::uint64_t kSoftWords = 12;
  enum Error { ENOMEM_ = -12, EFAULT_ = -14, EBUSY_ = -16, EEXIST_ = -17, EINVAL_ = -22 };

  struct Area {
    std::vector<std::uint64_t> words;
    std::uint64_t dropped = 0;
  };
  struct Descriptor {
    enum { disabled, initialized, local, remote } state = disabled;
    bool open = true;
    Area area;
    int owner = kNobody;
    std::uint64_t mode = 0;
    unsigned generation = 0;  // of enables: a section belongs to one of them
    std::uint64_t section_words = 0;
    std::vector<std::uint64_t> handles;  // the common one among them
    int spare_areas = 0;                 // of tasks' sections that have ended
  };
  struct Section {
    int descriptor;
    unsigned generation;
    std::uint64_t mode;
    Area area;
  };
  struct Task {
    int local = -1;   // the descriptor that it enabled, for itself
    int remote = -1;  // and for remote coverage
    std::optional<Section> section;
    std::optional<Section> soft;  // of a soft interrupt that came upon it
    std::uint64_t common_handle = 0;
    bool switching = false;
    bool is_bound() const { return local >= 0 || remote >= 0 || section || soft; }
  };

  static inline Reached reached;

  Model() : slots_(kSlots, -1), tasks_(kTasks) {}

  // --- system calls --------------------------------------------------------------------

  int open(int slot) {
    if (!memory()) return ENOMEM_;
    slots_[slot] = static_cast<int>(descriptors_.size());
    descriptors_.emplace_back();
    return 0;
  }

  int close(int slot) {
    descriptors_[slots_[slot]].open = false;
    slots_[slot] = -1;
    return 0;
  }

  int initialize(int task, int slot, std::uint64_t words) {
    begin_call(task);
    Descriptor& descriptor = at(slot);
    if (words < 2 || words > 268435455) return EINVAL_;  // rule 5; before the state, rule 6
    if (!memory()) return ENOMEM_;
    if (descriptor.state != Descriptor::disabled) return EBUSY_;
    descriptor.state = Descriptor::initialized;
    descriptor.area.words.assign(words, 0);
    return 0;
  }

  int map(int slot, std::uint64_t offset, std::size_t length) {
    const Descriptor& descriptor = at(slot);
    const bool fits = offset == 0 && length == descriptor.area.words.size() * 8;
    return descriptor.state != Descriptor::disabled && fits ? 0 : EINVAL_;
  }

  int enable(int task, int slot, std::uint64_t mode) {
    begin_call(task);
    Descriptor& descriptor = at(slot);
    if (descriptor.state != Descriptor::initialized) return EINVAL_;
    if (task == kNobody) return EBUSY_;
    Task& caller = tasks_[task];
    if (caller.local >= 0 || caller.section) return EBUSY_;
    if (mode > 1) return EINVAL_;
    descriptor.state = Descriptor::local;
    descriptor.owner = task;
    descriptor.mode = mode;
    caller.local = slots_[slot];
    ++reached.enables;
    return 0;
  }

  int disable(int task, int slot, std::uint64_t argument) {
    begin_call(task);
    if (argument != 0 || task == kNobody) return EINVAL_;
    const Task& caller = tasks_[task];
    if (caller.local == slots_[slot]) return end_local(task);
    if (caller.remote == slots_[slot]) return end_remote(task);
    return EINVAL_;
  }

  int remote_enable(int task, int slot, const RemoteRequest& request) {  // rule 20
    begin_call(task);
    Descriptor& descriptor = at(slot);
    if (request.defect == RemoteRequest::unreadable) return EFAULT_;
    if (request.defect == RemoteRequest::too_many) return EINVAL_;
    if (!memory()) return ENOMEM_;
    if (request.defect == RemoteRequest::half_readable) return EFAULT_;
    if (request.defect == RemoteRequest::changed) return EINVAL_;
    if (descriptor.state != Descriptor::initialized) return EINVAL_;
    if (task == kNobody || tasks_[task].remote >= 0) return EBUSY_;
    if (request.mode > 1 || request.area_size == 0) return EINVAL_;
    std::vector<std::uint64_t> handles;
    const auto add = [&](std::uint64_t handle, std::uint64_t subsystem) {
      if (handle == 0 || (handle & ~0xffff'ffffull) != subsystem) return int{EINVAL_};
      if (owner_of(handle) >= 0 || std::count(handles.begin(), handles.end(), handle) != 0)
        return int{EEXIST_};
      handles.push_back(handle);
      return 0;
    };
    for (const std::uint64_t handle : request.handles)
      if (const int error = add(handle, KCOV_SUBSYSTEM_USB); error != 0) return error;
    if (request.common != 0)
      if (const int error = add(request.common, KCOV_SUBSYSTEM_COMMON); error != 0) return error;
    ++reached.remote_enables;
    descriptor.state = Descriptor::remote;
    descriptor.owner = task;
    descriptor.mode = request.mode;
    descriptor.section_words = request.area_size;
    descriptor.handles = handles;
    tasks_[task].remote = slots_[slot];
    if (request.common != 0) tasks_[task].common_handle = request.common;
    return 0;
  }

  // One that there is not (rule 4).
  int command(int task) {
    begin_call(task);
    return -25;
  }

  std::uint64_t dropped(int slot) { return at(slot).area.dropped; }

  // --- callbacks -----------------------------------------------------------------------

  void trace_pc(At here, std::uint64_t pc, const During& during) { record(here, 0, {pc}, during); }

  void trace_cmp(At here, std::uint64_t type, std::uint64_t arg1, std::uint64_t arg2,
                 std::uint64_t pc, const During& during) {
    record(here, 1, {type, arg1, arg2, pc}, during);
  }

  // `cases` as the compiler lays them out: how many, the width, the cases (rule 27).
  void trace_switch(At here, std::uint64_t value, const std::vector<std::uint64_t>& cases,
                    std::uint64_t pc) {
    std::uint64_t log2_bytes = 0;
    while (log2_bytes < 4 && cases[1] != (8ull << log2_bytes)) ++log2_bytes;
    if (log2_bytes == 4) return;
    for (std::size_t i = 2; i < cases.size(); ++i)
      record(here, 1, {1 | log2_bytes << 1, cases[i], value, pc}, {});
  }

  // User space, which needs no system call for it.
  void store(int slot, std::uint64_t word, std::uint64_t value) {
    std::vector<std::uint64_t>& words = at(slot).area.words;
    if (!words.empty()) words[word % words.size()] = value;
  }

  // --- sections ------------------------------------------------------------------------

  void section_start(At here, std::uint64_t handle) {
    const std::uint64_t subsystem = handle >> 56;
    const bool reserved_bits = (handle & 0x00ff'ffff'0000'0000) != 0;
    if (reserved_bits || subsystem > 1) return warn();
    if (here.task == kNobody || here.context == Context::hard_interrupt) return;
    Task& task = tasks_[here.task];
    const bool soft = here.context == Context::soft_interrupt;
    if (!soft) end_left_behind(task);
    if (soft ? task.soft.has_value() : task.local >= 0 || task.section || task.soft) return warn();
    const int owner = owner_of(handle);
    if (owner < 0) return;
    Descriptor& descriptor = descriptors_[owner];
    Section section{owner, descriptor.generation, descriptor.mode, {}};
    std::uint64_t words = kSoftWords;
    bool there_is_an_area;
    if (soft) {
      there_is_an_area = soft_sections() < kSoftAreas;
    } else {
      words = descriptor.section_words;
      there_is_an_area = descriptor.spare_areas > 0 || memory();
      if (descriptor.spare_areas > 0) --descriptor.spare_areas;
    }
    if (!there_is_an_area) {
      ++descriptor.area.dropped;
      return;
    }
    section.area.words.assign(words, 0);
    (soft ? task.soft : task.section) = section;
  }

  void section_stop(At here) {
    if (here.task == kNobody || here.context == Context::hard_interrupt) return;
    Task& task = tasks_[here.task];
    const bool soft = here.context == Context::soft_interrupt;
    if (!soft) end_left_behind(task);
    end_section(task, soft);
  }

  std::uint64_t common_handle(At here) const {
    if (here.task == kNobody || here.context != Context::task) return 0;
    return tasks_[here.task].common_handle;
  }

  // --- tasks ---------------------------------------------------------------------------

  void exit(int task) {
    end_left_behind(tasks_[task]);
    if (tasks_[task].section) {
      warn();
      end_section(tasks_[task], false);
    }
    if (tasks_[task].local >= 0) (void)end_local(task);
    if (tasks_[task].remote >= 0) (void)end_remote(task);
  }

  void create_task(int task, int parent) {
    const std::uint64_t inherited = tasks_[parent].common_handle;
    tasks_[task] = {};
    tasks_[task].common_handle = inherited;
  }

  void task_switch(int task, bool begins) { tasks_[task].switching = begins; }

  // The allocation after so many is the one that fails.
  void no_memory(int after) { until_failure_ = after; }

  // --- what can be seen ----------------------------------------------------------------

  bool is_open(int slot) const { return slots_[slot] >= 0; }
  // One of all that are enabled, or 0.
  std::uint64_t enabled_handle(unsigned number) const {
    std::vector<std::uint64_t> all;
    for (const Descriptor& descriptor : descriptors_)
      all.insert(all.end(), descriptor.handles.begin(), descriptor.handles.end());
    return all.empty() ? 0 : all[number % all.size()];
  }
  bool has_buffer(int slot) const {
    return descriptors_[slots_[slot]].state != Descriptor::disabled;
  }
  int descriptor_in(int slot) const { return slots_[slot]; }
  std::vector<Descriptor>& descriptors() { return descriptors_; }
  const Task& task(int number) const { return tasks_[number]; }
  int warnings() const { return warnings_; }
  void set_warnings(int warnings) { warnings_ = warnings; }
  int until_failure() const { return until_failure_; }

  // Rule 33: who needs it, has it live.
  bool is_alive(int number) const {
    const Descriptor& descriptor = descriptors_[number];
    return descriptor.open || descriptor.owner != kNobody || sections_of(number) > 0;
  }
  int live_areas() const {
    int live = 0;
    for (int i = 0; i < static_cast<int>(descriptors_.size()); ++i)
      live += is_alive(i) && descriptors_[i].state != Descriptor::disabled;
    return live;
  }
  // Descriptors, their arguments of KCOV_REMOTE_ENABLE, areas of tasks' sections.
  int live_blocks() const {
    int live = 0;
    for (int i = 0; i < static_cast<int>(descriptors_.size()); ++i) {
      live += is_alive(i) + (descriptors_[i].state == Descriptor::remote);
      live += descriptors_[i].spare_areas;
    }
    for (const Task& task : tasks_) live += task.section.has_value();
    return live;
  }
  // task_state.h's modes.
  std::uint32_t mode_of_task(int number) const {
    const Task& task = tasks_[number];
    if (task.soft) return task_mode(task.soft->mode);
    const std::uint32_t switching = task.switching ? 0x40000000u : 0;
    if (task.section) return switching | task_mode(task.section->mode);
    if (task.local >= 0) return switching | task_mode(descriptors_[task.local].mode);
    return switching;
  }

 private:
  Descriptor& at(int slot) { return descriptors_[slots_[slot]]; }
  void warn() { ++warnings_; }
  static std::uint32_t task_mode(std::uint64_t mode) { return mode == 0 ? 1 : 2; }
  static std::uint64_t record_words(std::uint64_t mode) { return mode == 0 ? 1 : 4; }
  static std::uint64_t capacity(const Area& area, std::uint64_t mode) {  // rule 24
    return (area.words.size() - 1) / record_words(mode);
  }

  // An allocation.
  bool memory() {
    if (until_failure_ < 0) return true;
    return until_failure_-- != 0;
  }

  int owner_of(std::uint64_t handle) const {
    for (std::size_t i = 0; i < descriptors_.size(); ++i) {
      const auto& handles = descriptors_[i].handles;
      if (std::count(handles.begin(), handles.end(), handle) != 0) return static_cast<int>(i);
    }
    return -1;
  }
  void begin_call(int task) {
    if (task != kNobody) end_left_behind(tasks_[task]);
  }

  // What a soft interrupt has left to the task it came upon.
  void end_left_behind(Task& task) {
    if (!task.soft) return;
    warn();
    const Section section = *std::exchange(task.soft, std::nullopt);
    Descriptor& descriptor = descriptors_[section.descriptor];
    descriptor.area.dropped += section.generation == descriptor.generation;
  }

  void end_section(Task& task, bool soft) {
    std::optional<Section>& slot = soft ? task.soft : task.section;
    if (!slot) return;
    const Section section = *std::exchange(slot, std::nullopt);
    Descriptor& descriptor = descriptors_[section.descriptor];
    if (descriptor.state != Descriptor::remote || descriptor.generation != section.generation)
      return;
    merge(section, descriptor);
    if (!soft) ++descriptor.spare_areas;
  }

  int soft_sections() const {
    int running = 0;
    for (const Task& task : tasks_) running += task.soft.has_value();
    return running;
  }
  int sections_of(int descriptor) const {
    int running = 0;
    for (const Task& task : tasks_) {
      running += task.section && task.section->descriptor == descriptor;
      running += task.soft && task.soft->descriptor == descriptor;
    }
    return running;
  }

  int end_local(int task) {
    Descriptor& descriptor = descriptors_[std::exchange(tasks_[task].local, -1)];
    descriptor.state = Descriptor::initialized;
    descriptor.owner = kNobody;
    ++descriptor.generation;
    return 0;
  }
  int end_remote(int task) {
    Descriptor& descriptor = descriptors_[std::exchange(tasks_[task].remote, -1)];
    tasks_[task].common_handle = 0;
    descriptor.state = Descriptor::initialized;
    descriptor.owner = kNobody;
    descriptor.handles.clear();
    descriptor.spare_areas = 0;
    ++descriptor.generation;
    return 0;
  }

  // Rules 24 to 29.
  void record(At here, std::uint64_t mode, const std::vector<std::uint64_t>& words,
              const During& during) {
    if (here.task == kNobody || here.context == Context::hard_interrupt) return;
    Task& task = tasks_[here.task];
    Area* area = nullptr;
    std::uint64_t traced_mode = 0;
    if (here.context == Context::soft_interrupt || task.soft) {
      if (here.context != Context::soft_interrupt || !task.soft) return;
      area = &task.soft->area;
      traced_mode = task.soft->mode;
    } else if (task.switching) {
      return;
    } else if (task.section) {
      area = &task.section->area;
      traced_mode = task.section->mode;
    } else if (task.local >= 0) {
      area = &descriptors_[task.local].area;
      traced_mode = descriptors_[task.local].mode;
    }
    if (area == nullptr || traced_mode != mode) return;
    const std::uint64_t index = area->words[0];
    if (index >= capacity(*area, mode)) {
      ++area->dropped;
      ++reached.dropped;
      return;
    }
    ++reached.records;
    if (during) ++reached.came_between;
    area->words[0] = index + 1;
    const std::size_t first = 1 + index * record_words(mode);
    std::copy(words.begin(), words.end() - 1, area->words.begin() + static_cast<long>(first));
    if (during) during();
    area->words[first + words.size() - 1] = words.back();
  }

  // Rule 35.
  static void merge(const Section& section, Descriptor& descriptor) {
    Area& area = descriptor.area;
    std::uint64_t next = 1;
    for (std::uint64_t i = 0; i < section.area.words[0]; ++i) {
      if (area.words[0] >= capacity(area, section.mode)) {
        ++area.dropped;
        continue;
      }
      const std::uint64_t to = 1 + area.words[0] * record_words(section.mode);
      for (std::uint64_t word = 0; word < record_words(section.mode); ++word)
        area.words[to + word] = section.area.words[next++];
      ++area.words[0];
      ++reached.merged_records;
    }
    area.dropped += section.area.dropped;
  }

  std::vector<Descriptor> descriptors_;  // every one there was
  std::vector<int> slots_;               // to descriptors; -1: closed
  std::vector<Task> tasks_;
  int warnings_ = 0;
  int until_failure_ = -1;
};

}  // namespace kcov::test
