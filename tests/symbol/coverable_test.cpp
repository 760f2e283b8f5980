// SPDX-License-Identifier: GPL-2.0-only OR MIT
// All PCs that kcov can record in an image, and the source files of its code.
#include <algorithm>
#include <set>

#include "symbol/image.hpp"
#include "tests/symbol/programs.hpp"

namespace kcov::symbol {
namespace {

// The address behind each call of the callback, as another decoder has it.
std::set<std::uint64_t> calls_by_objdump(const std::string& name) {
  std::istringstream lines(output_of("objdump -d --no-show-raw-insn " + program(name)));
  std::set<std::uint64_t> pcs;
  bool after_call = false;
  for (std::string line; std::getline(lines, line);) {
    if (after_call && line.starts_with("  ")) pcs.insert(std::stoull(line, nullptr, 16));
    after_call = line.find("call") != std::string::npos &&
                 line.find("<__sanitizer_cov_trace_pc>") != std::string::npos;
  }
  return pcs;
}

TEST(Coverable, everyCallOfTheCallbackAndNothingElse) {
  const std::vector<std::uint64_t> found = open_program("covered").coverable_pcs();
  EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
  EXPECT_EQ(std::set<std::uint64_t>(found.begin(), found.end()), calls_by_objdump("covered"));
  EXPECT_GE(found.size(), 3u);
  for (const auto& [number, pc] : pcs_of("covered"))
    EXPECT_TRUE(std::binary_search(found.begin(), found.end(), pc)) << number << " was recorded";
}

TEST(Coverable, whatCannotBeToldIsEmpty) {
  EXPECT_TRUE(open_program("covered-large").coverable_pcs().empty());
  EXPECT_TRUE(open_program("shop-fixed").coverable_pcs().empty());
  EXPECT_TRUE(open_program("shop-bare").coverable_pcs().empty());
}

TEST(SourceFiles, areNamedAsFramesAre) {
  for (const char* name : {"shop-pie", "shop-dwarf4", "shop-compressed"}) {
    const std::vector<std::string> files = open_program(name).source_files();
    const auto is_shop = [](const std::string& file) { return file.ends_with("programs/shop.c"); };
    EXPECT_EQ(std::count_if(files.begin(), files.end(), is_shop), 1) << name;
    EXPECT_TRUE(std::is_sorted(files.begin(), files.end())) << name;
  }
  EXPECT_TRUE(open_program("shop-nodebug").source_files().empty());
}

}  // namespace
}  // namespace kcov::symbol
