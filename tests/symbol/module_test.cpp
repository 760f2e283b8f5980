// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Kernel modules: object files, which the kernel links when it loads them. What is said of one is
// compared with what is said of the same, linked by ld to where the kernel would put it.

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "support/files.hpp"
#include "symbol/image.hpp"
#include "symbol/module_link.hpp"
#include "tests/symbol/programs.hpp"

namespace kcov::symbol {
namespace {

constexpr std::uint64_t kStart = 0xffffffffa0042000;  // module.ld has it too

Image open(const std::string& name) {
  Result<Image> image = Image::open(program(name));
  if (!image) ADD_FAILURE() << image.error().message;
  return *std::move(image);
}

// An image without anything at the module's place, with the module.
Image with_module(const std::string& name) {
  Image image = open("covered");
  const Status added = image.add_module(program(name), kStart);
  EXPECT_TRUE(added) << added.error().message;
  return image;
}

std::vector<std::uint64_t> in_module(std::vector<std::uint64_t> pcs) {
  std::erase_if(pcs, [](std::uint64_t pc) { return pc < kStart; });
  return pcs;
}

TEST(Module, is_what_it_would_be_if_it_were_linked) {
  Image linked = open("module-linked");
  const std::vector<std::uint64_t> pcs = in_module(linked.coverable_pcs());
  ASSERT_GE(pcs.size(), 8u);
  const Locations expected = linked.locate(pcs);
  for (const char* name : {"module.o", "module-separate.o"}) {
    Image image = with_module(name);
    const std::vector<std::uint64_t> all = image.coverable_pcs();
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
    EXPECT_EQ(in_module(all), pcs) << name;
    EXPECT_EQ(all.size(), open("covered").coverable_pcs().size() + pcs.size())
        << "initialization code is gone";
    const Locations found = image.locate(pcs);
    for (std::size_t i = 0; i < pcs.size(); ++i) {
      EXPECT_EQ(found[i], expected[i]) << name << " " << std::hex << pcs[i];
      EXPECT_TRUE(found[i].is_call_site);
      EXPECT_TRUE(image.is_behind_call(pcs[i]));
    }
  }
  EXPECT_TRUE(std::any_of(expected.begin(), expected.end(), [](const Location& one) {
    return one.frames.size() == 2 && one.frames[0].function == "twice";
  }));
}

TEST(Module, leaves_what_is_said_of_the_kernel_as_it_is) {
  Image alone = open("covered");
  Image image = with_module("module.o");
  const std::vector<std::uint64_t> own = alone.coverable_pcs();
  std::vector<std::uint64_t> both = own;
  both.push_back(kStart + 16);
  both.push_back(own.front());
  const Locations expected = alone.locate(own);
  const Locations found = image.locate(both);
  for (std::size_t i = 0; i < own.size(); ++i) EXPECT_EQ(found[i], expected[i]);
  EXPECT_EQ(found[own.size()].symbol, "count");
  EXPECT_EQ(found[own.size() + 1], expected[0]);
}

TEST(Module, that_is_none_is_told) {
  Image image = open("covered");
  const auto trouble = [&](const std::string& name, const std::string& build_id = {}) {
    const Status added = image.add_module(program(name), kStart, build_id);
    return added ? std::string() : added.error().message;
  };
  EXPECT_NE(trouble("covered").find("it is no kernel module for x86-64"), std::string::npos);
  EXPECT_NE(trouble("nowhere").find("No such file"), std::string::npos);
  EXPECT_NE(trouble("module-compressed.o").find("objcopy --decompress-debug-sections"),
            std::string::npos);
  EXPECT_NE(trouble("module.o", "0123").find("it is another build: its build-id is"),
            std::string::npos);
  EXPECT_NE(trouble("module-gnu-compressed.o").find("objcopy --decompress-debug-sections"),
            std::string::npos);
  EXPECT_NE(trouble("module.o.gz").find("it is compressed; unpack it first"), std::string::npos);
  const std::uint64_t kernel = image.coverable_pcs().front();
  for (const std::uint64_t start : {kernel & ~std::uint64_t{0xf}, kernel - 0x20}) {
    const Status added = image.add_module(program("module.o"), start);
    ASSERT_FALSE(added) << "it would hide the kernel's own code";
    EXPECT_NE(added.error().message.find("covered already"), std::string::npos);
  }
  const Status added = image.add_module(program("module.o"), ~std::uint64_t{0xf});
  ASSERT_FALSE(added);
  EXPECT_NE(added.error().message.find("it does not fit between"), std::string::npos);
  EXPECT_EQ(trouble("module.o"), "");
  EXPECT_NE(trouble("module-separate.o").find("module.o already"), std::string::npos);
}

// Each of its many tables says that it is the same bytes.
TEST(Module, whose_tables_lie_upon_each_other_is_refused) {
  constexpr std::size_t kTables = 60'000;
  Elf64_Ehdr header{};
  const Result<std::string> file = read_file(program("module.o"));
  ASSERT_TRUE(file);
  std::memcpy(&header, file->data(), sizeof header);
  header.e_shoff = sizeof header;
  header.e_shnum = kTables;
  header.e_shstrndx = 1;
  Elf64_Shdr table{};
  table.sh_type = SHT_SYMTAB;
  table.sh_offset = sizeof header;
  table.sh_size = kTables * sizeof table;
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  for (std::size_t i = 0; i < kTables; ++i)
    bytes.append(reinterpret_cast<const char*>(&table), sizeof table);
  ModuleCode code{.start = kStart};
  EXPECT_NE(link_module({reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()}, code), "");
}

// Whatever a file says, nothing is written outside it, and nothing else goes wrong.
TEST(Module, that_lies_is_linked_or_refused) {
  const Result<std::string> file = read_file(program("module.o"));
  ASSERT_TRUE(file);
  const std::string damaged = scratch_path();
  unsigned seed = 1;
  const auto random = [&] { return seed = seed * 1664525 + 1013904223; };
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = file->substr(0, i % 5 == 0 ? random() % file->size() : file->size());
    for (int change = 0; change < 8 && !bytes.empty(); ++change) {
      // The tables at both ends more often than the rest.
      const std::size_t near = random() % std::min<std::size_t>(bytes.size(), 2048);
      const std::size_t at = change % 2 == 0 ? bytes.size() - 1 - near : random() % bytes.size();
      bytes[at] = static_cast<char>(random() >> 16);
    }
    ModuleCode code{.start = kStart};
    const std::size_t size = bytes.size();
    bytes.append(64, '\x5a');
    (void)link_module({reinterpret_cast<unsigned char*>(bytes.data()), size}, code);
    ASSERT_EQ(bytes.substr(size), std::string(64, '\x5a'));
    if (i % 20 != 0) continue;
    ASSERT_TRUE(write_file(damaged, bytes.substr(0, size)));
    Image image = open("covered");
    if (!image.add_module(damaged, kStart)) continue;
    std::vector<std::uint64_t> pcs = image.coverable_pcs();
    pcs.push_back(kStart + 16);
    (void)image.locate(pcs);
  }
  std::filesystem::remove(damaged);
}

}  // namespace
}  // namespace kcov::symbol
