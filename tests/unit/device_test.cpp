// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The client on a file that is no kcov: what a buffer looks like to its reader when the
// traced program has written all over it.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

namespace {
// Any file is a kcov to this one.
int agreeing_ioctl(int, unsigned long, ...) { return 0; }
}  // namespace

#define ioctl agreeing_ioctl
#include "include/kcov/device.hpp"
#undef ioctl

namespace kcov {
namespace {

TEST(Client, A_count_that_was_scribbled_over_makes_nobody_read_past_the_buffer) {
  constexpr std::size_t kWords = 512;
  char path[] = "/tmp/kcov-device-XXXXXX";
  const int file = mkstemp(path);
  ASSERT_GE(file, 0);
  ASSERT_EQ(0, ftruncate(file, kWords * 8));
  Device device;
  ASSERT_FALSE(device.open(path));
  ::close(file);
  ::unlink(path);
  ASSERT_FALSE(device.initialize(kWords));
  Buffer buffer;
  ASSERT_FALSE(device.map(buffer));
  EXPECT_TRUE(buffer.pcs().empty());
  for (const std::uint64_t count : {std::uint64_t{kWords - 1}, std::uint64_t{kWords},
                                    std::uint64_t{1} << 61, ~std::uint64_t{0}}) {
    buffer.set_count(count);
    EXPECT_EQ(kWords - 1, buffer.pcs().size()) << count;
    EXPECT_TRUE(buffer.full());
  }
  // What came meanwhile is not forgotten.
  buffer.set_count(5);
  EXPECT_FALSE(buffer.reset_from(4));
  EXPECT_EQ(buffer.count(), 5u);
  EXPECT_TRUE(buffer.reset_from(5));
  EXPECT_EQ(buffer.count(), 0u);
  buffer.set_count(3);
  EXPECT_EQ(3u, buffer.pcs().size());
  buffer.reset();
  EXPECT_TRUE(buffer.pcs().empty());
}

}  // namespace
}  // namespace kcov
