// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What a kernel of the lab is configured with: lab/config.
#include "lab/configuration.hpp"

#include <gtest/gtest.h>

#include "lab/paths.hpp"

namespace kcov::lab {
namespace {

TEST(Configuration, What_takes_a_plugin_of_gcc_is_ours_and_apart) {
  const Result<std::filesystem::path> data = data_directory();
  ASSERT_TRUE(data) << data.error().message;
  for (const char* name : {"x86_64", "x86_64-pc", "x86_64-kasan"}) {
    const Result<Configuration> ours = load_configuration(*data, name, Variant::ours);
    ASSERT_TRUE(ours) << ours.error().message;
    EXPECT_EQ(ours->plugins, "CONFIG_GCC_PLUGINS=y\nCONFIG_KCOV_KEEP_REGISTERS=y\n") << name;
    EXPECT_EQ(ours->fragment.find("PLUGINS"), std::string::npos) << name;
    EXPECT_EQ(ours->fragment.find("KEEP_REGISTERS"), std::string::npos) << name;
    const Result<Configuration> stock = load_configuration(*data, name, Variant::stock);
    ASSERT_TRUE(stock) << stock.error().message;
    EXPECT_EQ(stock->plugins, "") << name;
    EXPECT_EQ(stock->fragment.find("PLUGINS"), std::string::npos) << name;
  }
}

// Those are there to compare with.
TEST(Configuration, A_machine_without_kcov_has_a_stock_kernel_alone) {
  const Result<std::filesystem::path> data = data_directory();
  ASSERT_TRUE(data) << data.error().message;
  for (const std::string name : {"um-plain", "x86_64-plain"}) {
    EXPECT_TRUE(load_configuration(*data, name, Variant::stock)) << name;
    const Result<Configuration> ours = load_configuration(*data, name, Variant::ours);
    ASSERT_FALSE(ours) << name;
    EXPECT_EQ(ours.error().message,
              "the machine " + name + " has no kcov, and so none of ours: add --stock");
    EXPECT_EQ(ours.error().exit_code, 2);
  }
}

// It changes which blocks gcc merges: um's records are compared with stock's.
TEST(Configuration, User_mode_Linux_is_compiled_as_stock_is) {
  const Result<std::filesystem::path> data = data_directory();
  ASSERT_TRUE(data) << data.error().message;
  for (const char* name : {"um", "um-pc", "um-6.1"}) {
    const Result<Configuration> ours = load_configuration(*data, name, Variant::ours);
    ASSERT_TRUE(ours) << ours.error().message;
    EXPECT_EQ(ours->plugins, "") << name;
  }
}

}  // namespace
}  // namespace kcov::lab
