// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Images that are cut short or damaged: an Error or missing names, but no crash, and (with
// the sanitizers) nothing read that is not ours. Each case is the same on every run.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>

#include "symbol/image.hpp"
#include "tests/symbol/programs.hpp"

namespace kcov::symbol {
namespace {

class Damage : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    std::ifstream file(program(GetParam()), std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    ASSERT_GT(bytes_.size(), 4096u);
    for (const auto& [name, pc] : pcs_of(GetParam())) pcs_.push_back(pc);
    ASSERT_FALSE(pcs_.empty());
  }
  void TearDown() override { std::remove(path_.c_str()); }

  // True if it opened. What locate() answers does not matter here.
  bool look_into(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
    Result<Image> image = Image::open(path_);
    if (!image) {
      EXPECT_TRUE(image.error().message.starts_with("cannot read symbols from \"" + path_ + "\": "))
          << image.error().message;
      return false;
    }
    EXPECT_EQ(image->locate(pcs_).size(), pcs_.size());
    return true;
  }

  std::string path_ = scratch_path();
  std::string bytes_;
  std::vector<std::uint64_t> pcs_;
};

TEST_P(Damage, TruncatedAtManyLengths) {
  ASSERT_TRUE(look_into(bytes_));
  for (std::size_t size = 0; size < 256; ++size) EXPECT_FALSE(look_into(bytes_.substr(0, size)));
  // The section headers stand at the end: without them all, it is refused.
  for (int part = 1; part < 256; ++part) {
    const std::size_t size = bytes_.size() * static_cast<std::size_t>(part) / 256;
    EXPECT_FALSE(look_into(bytes_.substr(0, size))) << size;
  }
  EXPECT_FALSE(look_into(bytes_.substr(0, bytes_.size() - 1)));
}

TEST_P(Damage, BytesOverwrittenAnywhere) {
  std::mt19937 random(1);
  int opened = 0;
  for (int round = 0; round < 200; ++round) {
    std::string bytes = bytes_;
    for (int i = 0; i < 1 << (round % 8); ++i) {
      // Spare the file header, most of the time, so that more than that is tried.
      const std::size_t first = round % 16 == 0 ? 0 : 64;
      bytes[first + random() % (bytes.size() - first)] = static_cast<char>(random());
    }
    opened += look_into(bytes);
  }
  EXPECT_GT(opened, 50);
}

TEST_P(Damage, TheTailOverwrittenWhereDebugInformationIs) {
  const std::size_t half = bytes_.size() / 4;  // code and data of so small a program end before
  std::mt19937 random(2);
  for (int round = 0; round < 200; ++round) {
    std::string bytes = bytes_;
    const std::size_t at = half + random() % (bytes.size() - half - 64);
    const char filler = round % 3 == 0   ? '\0'
                        : round % 3 == 1 ? '\xff'
                                         : static_cast<char>(random());
    for (std::size_t i = 0; i < 1 + random() % 64; ++i) bytes[at + i] = filler;
    look_into(bytes);
  }
}

// Four bytes at every place in .debug_info become the offset of the first DIE below the
// unit's: so, once, does each DW_AT_sibling. Whoever follows it blindly never comes back.
TEST_P(Damage, EveryReferencePointingBack) {
  const std::string readelf = "readelf -W " + program(GetParam());
  std::istringstream section(output_of(readelf + " -S | sed -n 's/.* .debug_info *PROGBITS//p'"));
  std::size_t address = 0, start = 0, size = 0, first = 0;
  ASSERT_TRUE(section >> std::hex >> address >> start >> size);
  std::istringstream dies(
      output_of(readelf + " --debug-dump=info | sed -n 's/^ <1><\\([0-9a-f]*\\)>.*/\\1/p'"));
  ASSERT_TRUE(dies >> std::hex >> first);
  for (std::size_t at = start; at + 4 <= start + std::min<std::size_t>(size, 1024); ++at) {
    std::string bytes = bytes_;
    for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(first >> (8 * i));
    look_into(bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(Builds, Damage, ::testing::Values("shop-pie", "shop-dwarf4", "names"),
                         [](const auto& build) {
                           std::string name = build.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace kcov::symbol
