// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Performs a program of operations on the model and on the core, and compares after each
// one all that can be seen: results, every word of every buffer, what was dropped, what
// memory is live, what was warned of, and each task's mode.
#pragma once

#include <optional>
#include <sstream>
#include <string>

#include "system.hpp"

namespace kcov::test {

class Comparison {
 public:
  Comparison() : contexts_(kTasks) {}

  // Performs it. Says what differs then, or nothing.
  std::optional<std::string> apply(const Operation& operation) {
    if (auto found = make_ready(operation)) return found;
    const int task = actor(operation);
    const bool in_task = task == kNobody || contexts_[task] == Context::task;
    const bool runs = task == kNobody || !model_.task(task).switching;
    if (!in_task || !runs) {
      // No system calls, exits and switches there.
      switch (kind_of(operation)) {
        case Kind::initialize:
        case Kind::enable:
        case Kind::disable:
        case Kind::remote_enable:
        case Kind::other_command:
        case Kind::exit: return std::nullopt;
        default: break;
      }
    }
    switch (kind_of(operation)) {
      case Kind::section_start:
      case Kind::section_stop:
        if (in_task && !runs) return std::nullopt;
        break;
      case Kind::interrupt: enter(task, operation.a % 2 == 0); return std::nullopt;
      case Kind::return_from_interrupt: leave(task); return std::nullopt;
      case Kind::task_switch: {
        if (task == kNobody || !in_task || model_.task(task).soft) return std::nullopt;
        break;
      }
      case Kind::exit:
        if (task == kNobody) return std::nullopt;
        break;
      case Kind::create_task:
        if (task == kNobody || model_.task(task).is_bound()) return std::nullopt;
        contexts_[task] = Context::task;
        break;
      default: break;
    }
    return both(operation);
  }

  // Ends all that is under way; then nothing may be left.
  std::optional<std::string> finish() {
    for (int task = 0; task < kTasks; ++task) {
      contexts_[task] = Context::soft_interrupt;
      const At soft{task, Context::soft_interrupt};
      if (auto found = act([soft](auto& target) { return target.section_stop(soft), 0; }))
        return found;
      contexts_[task] = Context::task;
      const auto end = [task](auto& target) {
        target.task_switch(task, false);
        target.exit(task);
        return 0;
      };
      if (auto found = act(end)) return found;
    }
    for (int slot = 0; slot < kSlots; ++slot) {
      if (!model_.is_open(slot)) continue;
      if (auto found = act([slot](auto& target) { return target.close(slot); })) return found;
    }
    const World& seen = system_.state();
    if (seen.live_blocks != 0 || seen.live_areas != 0) return "memory is left";
    if (seen.broken_guards != 0) return "the memory around a buffer was written to";
    return std::nullopt;
  }

  // Whoever stored into a buffer in the midst of an operation of the core: the model does
  // not know where in the midst, so it takes over what the buffers hold now.
  void scribbled() { scribbled_ = true; }

  // What happens at each access of the core to memory; null: nothing.
  void set_steps(const std::function<void(const Step&)>* steps) { steps_ = steps; }

  Model& model() { return model_; }
  System& system() { return system_; }

 private:
  // Who performs it: of callbacks and stops mostly somebody who traces, if there is one.
  int actor(const Operation& operation) const {
    switch (kind_of(operation)) {
      case Kind::trace_pc:
      case Kind::trace_cmp:
      case Kind::trace_switch:
      case Kind::section_stop:
        for (int i = 0; i < kTasks && operation.who >= 64; ++i) {
          const int task = (operation.who + i) % kTasks;
          if (model_.mode_of_task(task) != 0) return task;
        }
        return task_of(operation);
      default: return task_of(operation);
    }
  }

  // What a section is of: mostly something that is enabled, if anything is.
  std::uint64_t handle_for(const Operation& operation) const {
    const std::uint64_t enabled = operation.c >= 64 ? model_.enabled_handle(operation.b) : 0;
    return enabled != 0 ? enabled : handle_of(operation.b);
  }

  // A file that is to be used is opened first, and mostly one that is to be enabled has a
  // buffer: else few programs would get anywhere.
  std::optional<std::string> make_ready(const Operation& operation) {
    const int slot = slot_of(operation);
    const auto open = [slot](auto& target) { return target.open(slot); };
    const auto initialize = [&](auto& target) {
      const std::uint64_t words =
          choose(std::array<std::uint64_t, 4>{16, 40, 9, 5}, operation.who / 16);
      return target.initialize(0, slot, words);
    };
    switch (kind_of(operation)) {
      case Kind::enable:
      case Kind::remote_enable:
        if (!model_.is_open(slot)) {
          if (auto found = act(open)) return found;
        }
        if (!model_.is_open(slot) || model_.has_buffer(slot) || operation.slot >= 224)
          return std::nullopt;
        return act(initialize);
      case Kind::initialize:
      case Kind::map:
      case Kind::other_command:
        if (!model_.is_open(slot)) return act(open);
        return std::nullopt;
      default: return std::nullopt;
    }
  }

  void enter(int task, bool soft) {
    if (task == kNobody || contexts_[task] == Context::hard_interrupt) return;
    const bool from_soft = contexts_[task] == Context::soft_interrupt;
    contexts_[task] = soft ? Context::soft_interrupt : Context::hard_interrupt;
    hard_upon_soft_[task] = from_soft && !soft;
  }
  void leave(int task) {
    if (task == kNobody) return;
    const bool back_to_soft =
        contexts_[task] == Context::hard_interrupt && std::exchange(hard_upon_soft_[task], false);
    contexts_[task] = back_to_soft ? Context::soft_interrupt : Context::task;
  }
  Context context_of(int task) const { return task == kNobody ? Context::task : contexts_[task]; }

  // What comes between in a callback, for the model as for the core.
  template <typename Target>
  During during(Target& target, const Operation& operation, At here) const {
    const int slot = slot_of(operation);
    const std::uint64_t handle = stage_.handle;
    const bool slot_is_open = stage_.slot_is_open;
    switch (operation.c % 16) {
      case 1: return [=, &target] { target.trace_pc(here, 0x7001, {}); };
      case 2: return [=, &target] { target.trace_cmp(here, 0, 1, 2, 0x7002, {}); };
      case 3:
        return [=, &target] {
          target.trace_pc({here.task, Context::hard_interrupt}, 0x7003, {});
          target.section_start({here.task, Context::hard_interrupt}, handle);
          target.section_stop({here.task, Context::hard_interrupt});
        };
      case 4:
      case 5:
        if (here.context != Context::task) return {};
        return [=, &target] {  // rule 36
          const At soft{here.task, Context::soft_interrupt};
          target.trace_pc(soft, 0x7004, {});
          target.section_start(soft, handle);
          target.trace_pc(soft, 0x7005, {});
          target.trace_cmp(soft, 7, 1, 2, 0x7006, {});
          target.section_stop(soft);
        };
      case 6:
        if (!slot_is_open) return {};
        return [=, &target] { target.store(slot, 0, hostile_of(operation.b)); };
      case 7:
        if (!slot_is_open) return {};
        return [=, &target] { target.store(slot, operation.a, hostile_of(operation.b)); };
      case 8:  // another CPU
        return [=, &target] {
          target.trace_pc({(here.task + 1) % kTasks, Context::task}, 0x7007, {});
        };
      default: return {};
    }
  }

  // The operation on one of the two: the result that must be the same. `slot` is open
  // wherever it is used.
  template <typename Target>
  std::uint64_t perform(Target& target, const Operation& operation) const {
    const int task = stage_.task;
    const int slot = slot_of(operation);
    const bool slot_is_open = stage_.slot_is_open;
    const At here{task, context_of(task)};
    const std::uint64_t pc = 0x1000u + operation.a * 256u + operation.b;
    const auto value = [](int result) { return static_cast<std::uint64_t>(result); };
    switch (kind_of(operation)) {
      case Kind::open: return slot_is_open ? 0 : value(target.open(slot));
      case Kind::trace_pc: return target.trace_pc(here, pc, during(target, operation, here)), 0;
      case Kind::trace_cmp:
        return target.trace_cmp(here, operation.b % 8, operation.a, hostile_of(operation.b), pc,
                                during(target, operation, here)),
               0;
      case Kind::trace_switch: {
        const std::uint64_t bits =
            choose(std::array<std::uint64_t, 8>{64, 8, 16, 32, 0, 24, 128, ~0ull}, operation.a);
        std::vector<std::uint64_t> cases = {operation.b % 6u, bits};
        for (std::uint64_t i = 0; i < cases[0]; ++i) cases.push_back(i * 3);
        return target.trace_switch(here, operation.c, cases, pc), 0;
      }
      case Kind::section_start: return target.section_start(here, stage_.handle), 0;
      case Kind::section_stop: return target.section_stop(here), 0;
      case Kind::exit: return target.exit(task), 0;
      case Kind::create_task: return target.create_task(task, operation.a % kTasks), 0;
      case Kind::task_switch: return target.task_switch(task, operation.a % 2 != 0), 0;
      case Kind::no_memory: return target.no_memory(operation.a % 4), 0;
      default: break;
    }
    if (!slot_is_open) return 0;
    switch (kind_of(operation)) {
      case Kind::initialize: return value(target.initialize(task, slot, size_of(operation.a)));
      case Kind::map: {
        const std::uint64_t offset = operation.b % 4 == 3 ? 1 : 0;
        return value(target.map(slot, offset, size_of(operation.a) * 8 + (operation.c % 8 == 7)));
      }
      case Kind::enable: return value(target.enable(task, slot, mode_of(operation.a)));
      case Kind::disable:
        return value(
            target.disable(task, slot, operation.a % 8 == 7 ? ~0ull : operation.a % 8 == 6));
      case Kind::remote_enable:
        return value(target.remote_enable(task, slot, request_of(operation)));
      case Kind::close: return value(target.close(slot));
      case Kind::other_command:
        if constexpr (std::is_same_v<Target, System>) {
          constexpr std::array<std::uint32_t, 5> kNone = {0x80046301, 0x6368, 0x80086367, 0, ~0u};
          return value(target.command(task, slot, choose(kNone, operation.a), operation.b));
        } else {
          return value(target.command(task));
        }
      default:  // store; half of all go to word 0
        return target.store(slot, operation.a % 2 == 0 ? 0 : operation.a / 2,
                            hostile_of(operation.b)),
               0;
    }
  }

  std::optional<std::string> both(const Operation& operation) {
    stage_ = {model_.is_open(slot_of(operation)), actor(operation), handle_for(operation)};
    return act([&](auto& target) { return perform(target, operation); });
  }

  template <typename Action>
  std::optional<std::string> act(Action action) {
    scribbled_ = false;
    on_step = steps_;
    const auto real = action(system_);
    on_step = nullptr;
    const auto expected = action(model_);
    if (real != expected) return difference("the result", real, expected);
    if (scribbled_) take_over();
    return compare();
  }

  template <typename Real, typename Expected>
  static std::string difference(const std::string& what, Real real, Expected expected) {
    std::ostringstream text;
    text << what << ": the core has " << static_cast<std::int64_t>(real) << ", the model "
         << static_cast<std::int64_t>(expected);
    return text.str();
  }

  std::optional<std::string> compare() {
    const World& seen = system_.state();
    const auto check = [](const char* what, auto real,
                          auto expected) -> std::optional<std::string> {
      if (real == expected) return std::nullopt;
      return difference(what, real, expected);
    };
    // Memory first: what is not live cannot be looked at.
    if (auto found = check("live areas", seen.live_areas.load(), model_.live_areas())) return found;
    if (auto found = check("live blocks", seen.live_blocks.load(), model_.live_blocks()))
      return found;
    if (auto found = check("warnings", seen.warnings.load(), model_.warnings())) return found;
    if (auto found = check("allocations", seen.allocations_until_failure, model_.until_failure()))
      return found;
    for (int i = 0; i < static_cast<int>(model_.descriptors().size()); ++i) {
      const auto& words = model_.descriptors()[i].area.words;
      if (!model_.is_alive(i)) continue;
      for (std::size_t word = 0; word < words.size(); ++word) {
        if (words[word] == system_.area(i).words[word]) continue;
        return difference("descriptor " + std::to_string(i) + ", word " + std::to_string(word),
                          system_.area(i).words[word], words[word]);
      }
    }
    for (int slot = 0; slot < kSlots; ++slot) {
      if (!model_.is_open(slot)) continue;
      if (auto found = check("dropped", system_.dropped(slot), model_.dropped(slot))) return found;
    }
    for (int task = 0; task < kTasks; ++task) {
      const kcov_task_state& state = system_.task(task);
      if (auto found = check("mode", state.mode, model_.mode_of_task(task))) return found;
      const int remote = model_.task(task).remote;
      if (state.remote != (remote < 0 ? nullptr : system_.descriptor(remote)))
        return "a task's remote descriptor";
      const At here{task, context_of(task)};
      if (auto found =
              check("common handle", system_.common_handle(here), model_.common_handle(here)))
        return found;
    }
    return std::nullopt;
  }

  void take_over() {
    for (int i = 0; i < static_cast<int>(model_.descriptors().size()); ++i) {
      auto& words = model_.descriptors()[i].area.words;
      if (model_.is_alive(i) && !words.empty())
        words.assign(system_.area(i).words, system_.area(i).words + words.size());
    }
    for (int slot = 0; slot < kSlots; ++slot) {
      if (!model_.is_open(slot)) continue;
      model_.descriptors()[model_.descriptor_in(slot)].area.dropped = system_.dropped(slot);
    }
    model_.set_warnings(system_.state().warnings);
  }

  Model model_;
  System system_;
  std::vector<Context> contexts_;
  std::array<bool, kTasks> hard_upon_soft_{};
  // As it was before either of the two performed the operation.
  struct {
    bool slot_is_open = false;
    int task = 0;
    std::uint64_t handle = 0;
  } stage_;
  bool scribbled_ = false;
  const std::function<void(const Step&)>* steps_ = nullptr;
};

}  // namespace kcov::test
