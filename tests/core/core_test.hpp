// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What the tests of the core share: a world of their own, which must be left as it was
// found.
#pragma once

#include <gtest/gtest.h>

#include "fake_port.hpp"

namespace kcov::test {

inline constexpr std::uint64_t kWords = 16;
// Of a remote section, as a subsystem of the kernel would form it.
inline constexpr std::uint64_t kHandle = KCOV_SUBSYSTEM_USB | 1;
inline constexpr unsigned kSoftAreas = 2;
inline constexpr std::uint64_t kSoftWords = 16;

class Core : public testing::Test {
 protected:
  Core() {
    world = &own_;
    // A test may leave a task that traces behind.
    Dormancy<FakePort>::forget_tracers();
    EXPECT_EQ(0, Remote<FakePort>::create(kSoftAreas, kSoftWords));
    own_.live_blocks = 0;
  }
  ~Core() override {
    EXPECT_EQ(0, own_.live_blocks);
    Remote<FakePort>::destroy();
    EXPECT_EQ(-1 - static_cast<int>(kSoftAreas), own_.live_blocks) << "an area of a soft interrupt";
    EXPECT_EQ(0, own_.live_areas);
    EXPECT_EQ(0, own_.warnings);
    EXPECT_TRUE(own_.calls_made && Dormancy<FakePort>::is_awake());
    EXPECT_EQ(0, own_.broken_guards);
    world = nullptr;
  }
  static Descriptor<FakePort>* opened() {
    auto* const descriptor = Descriptor<FakePort>::open();
    EXPECT_NE(nullptr, descriptor);
    return descriptor;
  }
  static Descriptor<FakePort>* initialized(std::uint64_t words = kWords) {
    auto* const descriptor = opened();
    EXPECT_EQ(0, descriptor->control(KCOV_INIT_TRACE, words));
    return descriptor;
  }
  static std::uint64_t* area_of(Descriptor<FakePort>& descriptor, std::uint64_t words = kWords) {
    Mapping mapping;
    EXPECT_EQ(0, descriptor.map(0, words * 8, mapping));
    return mapping.area;
  }

 private:
  World own_;
};

}  // namespace kcov::test
