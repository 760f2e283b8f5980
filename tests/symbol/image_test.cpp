// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Image: exact answers for the PCs that the programs tell of themselves.
#include "symbol/image.hpp"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>

#include "tests/symbol/programs.hpp"

namespace kcov::symbol {

// For readable failures.
void PrintTo(const Frame& frame, std::ostream* out) {
  *out << frame.function << " " << frame.file << ":" << frame.line
       << (frame.inlined ? " inlined" : "");
}

namespace {

using Frames = std::vector<Frame>;

Location locate_one(Image& image, std::uint64_t pc, PcKind kind = PcKind::return_address) {
  // Whose names stay.
  static std::deque<Locations> kept;
  return kept.emplace_back(image.locate(std::span(&pc, 1), kind))[0];
}

Frames frames_of(const Location& location) {
  return {location.frames.begin(), location.frames.end()};
}

// Called directly, through a register as in the large code model, and by a jump at a function's
// end.
TEST(Image, PCsThatAreNoneOfKcovsAreTold) {
  for (const std::string name : {"covered", "covered-large", "jumps"}) {
    Image image = open_program(name);
    std::vector<std::uint64_t> pcs = {0};
    for (const auto& [number, pc] : pcs_of(name)) pcs.push_back(pc);
    ASSERT_GE(pcs.size(), 2u) << name;
    const auto call_sites = [&] {
      const Locations locations = image.locate(pcs);
      return std::count_if(locations.begin(), locations.end(),
                           [](const Location& location) { return location.is_call_site; });
    };
    const auto behind_calls = [&] {
      return std::count_if(pcs.begin(), pcs.end(),
                           [&](std::uint64_t pc) { return image.is_behind_call(pc); });
    };
    EXPECT_EQ(call_sites(), pcs.size() - 1) << name;
    EXPECT_EQ(behind_calls(), pcs.size() - 1) << name;
    for (std::uint64_t& pc : pcs) pc += 1;
    EXPECT_EQ(call_sites(), 0u) << name;
    EXPECT_EQ(behind_calls(), 0u) << name;
    pcs = {1, ~0ull};
    EXPECT_EQ(call_sites(), 0u) << name;
  }
}

// The same program, built in each of several ways.
class Shop : public ::testing::TestWithParam<const char*> {
 protected:
  std::map<std::string, std::uint64_t> pcs_ = pcs_of(GetParam());
  Image image_ = open_program(GetParam());

  Location at(const std::string& name, PcKind kind = PcKind::return_address) {
    EXPECT_TRUE(pcs_.contains(name)) << name;
    return locate_one(image_, pcs_[name], kind);
  }
};

TEST_P(Shop, InlinedFunctionsComeInnermostFirst) {
  EXPECT_TRUE(image_.has_debug_info());
  const Location location = at("inlined twice");
  EXPECT_EQ(location.pc, pcs_["inlined twice"]);
  EXPECT_EQ(frames_of(location), (Frames{{"ring", "shop/till.h", 11, true},
                                         {"pay", "shop/counter.h", 22, true},
                                         {"serve", "shop/main.c", 32, false}}));
  EXPECT_EQ(location.symbol, "serve");
}

TEST_P(Shop, AroundAnInlinedCallIsTheFunctionItself) {
  EXPECT_EQ(frames_of(at("before")), (Frames{{"serve", "shop/main.c", 31, false}}));
  EXPECT_EQ(frames_of(at("after")), (Frames{{"serve", "shop/main.c", 33, false}}));
}

TEST_P(Shop, AReturnAddressNamesTheLineOfTheCallNotTheNext) {
  EXPECT_EQ(frames_of(at("first line")), (Frames{{"two_lines", "shop/lines.c", 41, false}}));
  EXPECT_EQ(frames_of(at("second line")), (Frames{{"two_lines", "shop/lines.c", 42, false}}));
  // The instruction that the first call returns to belongs to the second line.
  EXPECT_EQ(frames_of(at("first line", PcKind::instruction)),
            (Frames{{"two_lines", "shop/lines.c", 42, false}}));
}

TEST_P(Shop, AFunctionIsOfTheFileThatDeclaresIt) {
  const Location location = at("in a part");
  EXPECT_EQ(frames_of(location), (Frames{{"two_lines", "shop/part.h", 60, false, "shop/lines.c"}}));
  EXPECT_EQ(location.frames[0].function_file(), "shop/lines.c");
  EXPECT_EQ(at("first line").frames[0].function_file(), "shop/lines.c");
}

TEST_P(Shop, ACallThatEndsAFunctionIsNotTheNextFunction) {
  const Location location = at("last call");
  EXPECT_EQ(frames_of(location), (Frames{{"ends_in_call", "shop/last.c", 51, false}}));
  EXPECT_EQ(location.symbol, "ends_in_call");
  EXPECT_NE(at("last call", PcKind::instruction).symbol, "ends_in_call");
}

TEST_P(Shop, TheColdPartOfAFunctionBelongsToIt) {
  EXPECT_EQ(frames_of(at("hot")), (Frames{{"has_cold_part", "shop/cold.c", 66, false}}));
  EXPECT_EQ(frames_of(at("cold")), (Frames{{"has_cold_part", "shop/cold.c", 63, false}}));
  if (std::string(GetParam()) == "shop-clang") return;  // keeps it in one piece
  EXPECT_EQ(at("hot").symbol, "has_cold_part");
  EXPECT_EQ(at("cold").symbol, "has_cold_part.cold");
}

TEST_P(Shop, AFileOutsideTheDirectoryStaysAbsolute) {
  EXPECT_EQ(frames_of(at("elsewhere")),
            (Frames{{"outside_the_directory", "/elsewhere/lib/abs.c", 81, false}}));
}

TEST_P(Shop, SymbolOffsetsAreThoseOfThePcAsGiven) {
  const Location before = at("before");
  const Location after = at("after");
  EXPECT_EQ(after.symbol_offset - before.symbol_offset, pcs_["after"] - pcs_["before"]);
  EXPECT_EQ(before.pc - before.symbol_offset, after.pc - after.symbol_offset);
  EXPECT_EQ(locate_one(image_, before.pc - before.symbol_offset, PcKind::instruction).symbol_offset,
            0u);
}

TEST_P(Shop, AnswersComeInTheOrderAskedDuplicatesIncluded) {
  std::vector<std::uint64_t> asked;
  for (int round = 0; round < 3; ++round) {
    for (const auto& [name, pc] : pcs_) asked.push_back(round == 1 ? pc : pc + 1);
  }
  std::reverse(asked.begin(), asked.end());
  asked.insert(asked.begin(), {0, ~std::uint64_t{0}, 0});
  const Locations all = image_.locate(asked);
  ASSERT_EQ(all.size(), asked.size());
  for (std::size_t i = 0; i < asked.size(); ++i) {
    EXPECT_EQ(all[i].pc, asked[i]);
    EXPECT_EQ(all[i], locate_one(image_, asked[i])) << i;
  }
  EXPECT_TRUE(image_.locate({}).empty());
}

TEST_P(Shop, AnAddressWithoutCodeHasNoName) {
  for (const std::uint64_t pc : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0x12},
                                 std::uint64_t{0x7fff12345678}, ~std::uint64_t{0}}) {
    for (const PcKind kind : {PcKind::return_address, PcKind::instruction}) {
      EXPECT_EQ(locate_one(image_, pc, kind), (Location{.pc = pc})) << std::hex << pc;
    }
  }
}

TEST_P(Shop, AssemblyHasItsSymbol) {
  const std::uint64_t sized = pcs_["asm_sized"];
  const auto symbol_at = [&](std::uint64_t pc) {
    const Location location = locate_one(image_, pc, PcKind::instruction);
    EXPECT_TRUE(location.frames.empty());
    return std::string(location.symbol) + "+" + std::to_string(location.symbol_offset);
  };
  EXPECT_EQ(symbol_at(sized), "asm_sized+0");
  EXPECT_EQ(symbol_at(sized + 8), "asm_sized+8");  // not the label inside
  EXPECT_EQ(symbol_at(sized + 15), "asm_sized+15");
  EXPECT_EQ(symbol_at(sized + 16), "+0");  // the hole
  EXPECT_EQ(symbol_at(sized + 31), "+0");
  EXPECT_EQ(symbol_at(pcs_["asm_label"]), "asm_label+0");
  EXPECT_EQ(symbol_at(pcs_["asm_label"] + 15), "asm_label+15");
  EXPECT_EQ(symbol_at(pcs_["asm_last"] + 3), "asm_last+3");  // and not its alias
}

TEST_P(Shop, BuildIdIsWhatReadelfSays) {
  const std::string notes = output_of("readelf -n " + program(GetParam()));
  ASSERT_EQ(image_.build_id().size(), 40u);
  EXPECT_NE(notes.find("Build ID: " + image_.build_id() + "\n"), std::string::npos) << notes;
}

constexpr const char* builds[] = {"shop-pie",        "shop-fixed",    "shop-dwarf4",
                                  "shop-compressed", "shop-separate",
#ifdef KCOV_TEST_CLANG
                                  "shop-clang"
#endif
};

INSTANTIATE_TEST_SUITE_P(Builds, Shop, ::testing::ValuesIn(builds), [](const auto& build) {
  std::string name = build.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(Image, WithoutDebugInfoHasSymbolsOnly) {
  Image image = open_program("shop-nodebug");
  EXPECT_FALSE(image.has_debug_info());
  EXPECT_EQ(image.build_id(), open_program("shop-pie").build_id());
  const Location location = locate_one(image, pcs_of("shop-pie")["cold"]);
  EXPECT_TRUE(location.symbol.starts_with("has_cold_part")) << location.symbol;
  EXPECT_TRUE(location.frames.empty());
}

TEST(Image, StrippedOfAllHasNothingAndSaysNothingWrong) {
  Image image = open_program("shop-bare");
  EXPECT_FALSE(image.has_debug_info());
  for (const auto& [name, pc] : pcs_of("shop-pie")) {
    const Location location = locate_one(image, pc);
    EXPECT_TRUE(location.symbol.empty() && location.frames.empty()) << name;
  }
}

// So many that each thread has its share: of this program itself, which has several units.
TEST(Image, ThreadsAnswerAsOneDoes) {
  Image image = *Image::open("/proc/self/exe");
  std::vector<std::uint64_t> pcs;
  for (std::uint64_t pc = std::filesystem::file_size("/proc/self/exe"); pc > 8; pc -= 8)
    pcs.push_back(pc);
  ASSERT_GT(pcs.size(), 20000u);
  const Locations all = image.locate(pcs);
  std::size_t named = 0;
  for (std::size_t i = 0; i < pcs.size(); i += 101) {
    const Locations one = image.locate(std::span(&pcs[i], 1));
    EXPECT_EQ(all[i], one[0]) << std::hex << pcs[i];
    named += !one[0].frames.empty();
  }
  EXPECT_GT(named, 10u);
}

TEST(Image, WithoutBuildId) { EXPECT_EQ(open_program("shop-unnamed").build_id(), ""); }

TEST(Image, CxxNamesAreDemangledAndFoundInsideNamespaces) {
  Image image = open_program("names");
  const Location location = locate_one(image, pcs_of("names")["ring"]);
  ASSERT_EQ(location.frames.size(), 2u);
  EXPECT_EQ(location.frames[0].function, "void shop::Till::ring<int>(int)");
  EXPECT_EQ(location.frames[0].line, 14);
  EXPECT_TRUE(location.frames[0].inlined);
  // Of a function of this file alone gcc records no more than the plain name.
  EXPECT_NE(location.frames[1].function.find("quietly"), std::string::npos);
  EXPECT_EQ(location.frames[1].file, "names.cpp");
  EXPECT_EQ(location.frames[1].line, 20);
}

TEST(Image, OutlivesAMove) {
  Image first = open_program("shop-pie");
  Image second = std::move(first);
  EXPECT_EQ(second.path(), program("shop-pie"));
  EXPECT_FALSE(locate_one(second, pcs_of("shop-pie")["hot"]).frames.empty());
}

TEST(Image, RefusesWhatIsNoLinkedImageWithASentence) {
  const auto error_of = [](const std::string& path) {
    const Result<Image> image = Image::open(path);
    return image ? "no error" : image.error().message;
  };
  EXPECT_EQ(error_of("/nonexistent/vmlinux"),
            "cannot read symbols from \"/nonexistent/vmlinux\": No such file or directory");
  EXPECT_NE(error_of("/").find("not a regular file"), std::string::npos) << error_of("/");

  const std::string path = scratch_path();
  std::ofstream(path) << "#!/bin/sh\necho not an image\n";
  EXPECT_NE(error_of(path).find("not an ELF image"), std::string::npos) << error_of(path);
  std::ofstream(path, std::ios::trunc);
  EXPECT_NE(error_of(path).find("not an ELF image"), std::string::npos) << error_of(path);
  EXPECT_NE(error_of(program("object.o")).find("addresses are not final"), std::string::npos)
      << error_of(program("object.o"));
  std::remove(path.c_str());
}

}  // namespace
}  // namespace kcov::symbol
