// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What the tests that make up recordings share.
#pragma once

#include <gtest/gtest.h>

#include <utility>

#include "coverage/coverage_set.hpp"
#include "symbol/location.hpp"

namespace kcov::test {

// Whose names stay.
inline symbol::Names name_store;

inline coverage::CoverageSet set_of(const coverage::Recording& recording) {
  coverage::Merger merger;
  EXPECT_TRUE(merger.add(recording, "run"));
  return merger.take();
}

}  // namespace kcov::test
