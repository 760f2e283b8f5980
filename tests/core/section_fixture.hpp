// SPDX-License-Identifier: GPL-2.0-only OR MIT
// For the tests of remote coverage: arguments, sections, and who runs them.
#pragma once

#include <initializer_list>
#include <vector>

#include "core_test.hpp"

namespace kcov::test {

inline constexpr std::uint64_t kSubsystemUsb = KCOV_SUBSYSTEM_USB;
inline constexpr std::uint64_t kUsb = kSubsystemUsb | 1;
inline constexpr std::uint64_t kCommon = 9;

// A kcov_remote_arg with its handles, and as many words as an ioctl will read of it.
class Argument {
 public:
  explicit Argument(std::vector<std::uint64_t> handles, std::uint64_t common = 0,
                    std::uint32_t mode = KCOV_TRACE_PC, std::uint32_t area_size = 16)
      : words_(3 + handles.size()) {
    auto* const arg = new (words_.data()) kcov_remote_arg;
    arg->trace_mode = mode;
    arg->area_size = area_size;
    arg->num_handles = static_cast<std::uint32_t>(handles.size());
    arg->common_handle = common;
    for (std::size_t i = 0; i < handles.size(); ++i) words_[3 + i] = handles[i];
  }
  kcov_remote_arg& arg() { return *reinterpret_cast<kcov_remote_arg*>(words_.data()); }
  std::uintptr_t address() const { return reinterpret_cast<std::uintptr_t>(words_.data()); }

 private:
  std::vector<std::uint64_t> words_;
};

class Section : public Core {
 protected:
  static int enable(Descriptor<FakePort>& descriptor, const Argument& argument) {
    return descriptor.control(KCOV_REMOTE_ENABLE, argument.address());
  }
  static int disable(Descriptor<FakePort>& descriptor) {
    return descriptor.control(KCOV_DISABLE, 0);
  }
  // A section of `handle` with these PCs, in whatever runs.
  static void section(std::uint64_t handle, std::initializer_list<std::uintptr_t> pcs) {
    section_start<FakePort>(handle);
    for (const std::uintptr_t pc : pcs) trace_pc<FakePort>(pc);
    section_stop<FakePort>();
  }
  static void expect_words(const std::uint64_t* area, std::vector<std::uint64_t> expected) {
    expected.resize(kWords, 0);
    for (std::size_t word = 0; word < kWords; ++word) EXPECT_EQ(expected[word], area[word]) << word;
  }
  static std::uint64_t dropped(Descriptor<FakePort>& descriptor) {
    std::uint64_t count = 0;
    EXPECT_EQ(0, descriptor.control(KCOV_GET_DROPPED, reinterpret_cast<std::uintptr_t>(&count)));
    return count;
  }
  kcov_task_state worker_{};
};

// Who runs until the end of the scope.
class As {
 public:
  explicit As(kcov_task_state& task, Context context = Context::task)
      : task_(world->current), context_(world->context) {
    world->current = &task;
    world->context = context;
  }
  ~As() {
    world->current = task_;
    world->context = context_;
  }
  As(const As&) = delete;
  As& operator=(const As&) = delete;

 private:
  kcov_task_state* task_;
  Context context_;
};

}  // namespace kcov::test
