// SPDX-License-Identifier: GPL-2.0-only OR MIT
// support/result.hpp: what each Result promises to hold.
#include "support/result.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace kcov {
namespace {

Result<std::string> text(bool good) {
  if (good) return "text";
  return Error{"cannot", 3};
}

TEST(Result, HoldsAValue) {
  Result<std::string> result = text(true);
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, "text");
  EXPECT_EQ(result->size(), 4u);
}

TEST(Result, HoldsAnError) {
  const Result<std::string> result = text(false);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "cannot");
  EXPECT_EQ(result.error().exit_code, 3);
  EXPECT_EQ(Error{"why"}.exit_code, 125);
}

TEST(Result, MovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  ASSERT_TRUE(result);
  const std::unique_ptr<int> out = *std::move(result);
  EXPECT_EQ(*out, 7);
}

TEST(Result, OfNothingIsAStatus) {
  const Status good;
  EXPECT_TRUE(good);
  const Status bad = Error{"no"};
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message, "no");
}

TEST(Result, OfBoolKeepsFalseApartFromError) {
  const Result<bool> no = false;
  ASSERT_TRUE(no);
  EXPECT_FALSE(*no);
}

}  // namespace
}  // namespace kcov
