// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Answers that are kept on disk: the same as those that are looked up, whatever happened to
// the file.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/files.hpp"
#include "symbol/image.hpp"
#include "tests/symbol/programs.hpp"

namespace kcov::symbol {
namespace {

namespace fs = std::filesystem;

class LocationCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto& [name, pc] : pcs_of("shop-pie"))
      for (const std::uint64_t near : {pc, pc + 1, pc + 40}) pcs_.push_back(near);
    pcs_.insert(pcs_.end(), {0, 1, ~std::uint64_t{0}, pcs_[0]});
    std::reverse(pcs_.begin(), pcs_.end());
    Result<TemporaryDirectory> made = TemporaryDirectory::create(fs::temp_directory_path(), "kcov");
    ASSERT_TRUE(made);
    scratch_ = std::make_unique<TemporaryDirectory>(*std::move(made));
    directory_ = scratch_->path() / "symbols";
  }

  Locations locate(std::span<const std::uint64_t> pcs, const std::string& name = "shop-pie") {
    Result<Image> image = Image::open(program(name));
    EXPECT_TRUE(image);
    if (!directory_.empty()) image->keep_answers_in(directory_);
    Locations locations = image->locate(pcs);
    image->store_answers(locations);
    return locations;
  }
  Locations uncached() {
    const fs::path directory = std::exchange(directory_, {});
    Locations locations = locate(pcs_);
    directory_ = directory;
    return locations;
  }
  fs::path file() const {
    return directory_ / (Image::open(program("shop-pie"))->build_id() + ".locations");
  }
  static std::string contents_of(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void expect_same(const Locations& a, const Locations& b, const std::string& when) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i], b[i]) << when << ", " << i << ": " << a[i].symbol << ", " << b[i].symbol;
    }
  }

  std::vector<std::uint64_t> pcs_;
  std::unique_ptr<TemporaryDirectory> scratch_;
  fs::path directory_;
};

TEST_F(LocationCacheTest, Answers_from_the_file_are_those_looked_up) {
  const Locations expected = uncached();
  expect_same(locate(pcs_), expected, "made");
  expect_same(locate(pcs_), expected, "read");
  EXPECT_FALSE(fs::exists(file().string() + ".new"));
}

TEST_F(LocationCacheTest, What_a_file_does_not_know_is_added) {
  const Locations expected = uncached();
  const std::size_t half = pcs_.size() / 2;
  locate(std::span(pcs_).first(half));
  const std::uintmax_t small = fs::file_size(file());
  expect_same(locate(pcs_), expected, "half known");
  const std::uintmax_t large = fs::file_size(file());
  EXPECT_GT(large, small);
  locate(std::span(pcs_).first(half));
  EXPECT_EQ(fs::file_size(file()), large);
  expect_same(locate(pcs_), expected, "all known");
}

TEST_F(LocationCacheTest, It_is_the_file_that_is_asked) {
  locate(pcs_);
  std::string changed = contents_of(file());
  const std::size_t name = changed.find("two_lines");
  ASSERT_NE(name, std::string::npos);
  changed[name] = 'T';
  std::ofstream(file(), std::ios::binary) << changed;
  const Locations found = locate(pcs_);
  EXPECT_TRUE(std::any_of(found.begin(), found.end(),
                          [](const Location& location) { return location.symbol == "Two_lines"; }));
}

TEST_F(LocationCacheTest, A_damaged_file_is_written_anew) {
  const Locations expected = uncached();
  locate(pcs_);
  const std::string whole = contents_of(file());
  for (std::size_t cut = 0; cut < whole.size(); cut += 7) {
    std::ofstream(file(), std::ios::binary | std::ios::trunc) << whole.substr(0, cut);
    expect_same(locate(pcs_), expected, "cut at " + std::to_string(cut));
    EXPECT_EQ(contents_of(file()), whole) << cut;
  }
  std::ofstream(file(), std::ios::binary | std::ios::app) << "more";
  expect_same(locate(pcs_), expected, "more");
}

// Any byte may be wrong: what is answered is then, too, but nothing else happens.
TEST_F(LocationCacheTest, A_file_that_lies_does_no_harm) {
  locate(pcs_);
  const std::string whole = contents_of(file());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(~changed[at]);
    std::ofstream(file(), std::ios::binary | std::ios::trunc) << changed;
    const Locations found = locate(pcs_);
    std::size_t bytes = 0;
    for (const Location& location : found)
      for (const Frame& frame : location.frames) bytes += std::string(frame.function).size();
    ASSERT_EQ(found.size(), pcs_.size()) << bytes;
  }
}

TEST_F(LocationCacheTest, An_image_without_debug_information_neither_asks_nor_answers) {
  locate(pcs_, "shop-nodebug");
  EXPECT_FALSE(fs::exists(directory_));
  locate(pcs_);
  for (const Location& location : locate(pcs_, "shop-nodebug"))
    EXPECT_TRUE(location.frames.empty());
}

TEST_F(LocationCacheTest, A_directory_that_cannot_be_written_is_no_error) {
  const Locations expected = uncached();
  std::ofstream(scratch_->path() / "file") << "x";
  directory_ = scratch_->path() / "file" / "symbols";
  expect_same(locate(pcs_), expected, "below a file");
}

}  // namespace
}  // namespace kcov::symbol
