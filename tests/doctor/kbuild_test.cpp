// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Which line of which Makefile decides, and which word of a definition.
#include "doctor/kbuild.hpp"

#include "doctor/definition.hpp"
#include "doctor/makefile.hpp"
#include "tests/doctor/fake_host.hpp"

namespace kcov::doctor {
namespace {

class Kbuild : public FakeHost {
 protected:
  void SetUp() override {
    FakeHost::SetUp();
    tree_ = scratch_->path() / "tree";
    write(tree_ / "Makefile", "obj-y += a/\n");
  }
  void make(const std::string& directory, const std::string& makefile) {
    write(tree_ / directory / "Makefile", makefile);
  }
  Result<KernelConfig> config(const std::string& text) {
    write(scratch_->path() / ".config", text);
    return KernelConfig::read(scratch_->path() / ".config");
  }
  // "left out: a/Makefile:3: KCOV_INSTRUMENT := n"
  std::string decided(const std::string& unit, const KernelConfig* config = nullptr) {
    const Decision one = decide_instrumentation(tree_, unit, config);
    const char* const kinds[] = {"instrumented", "left out", "of the host", "not known"};
    return std::string(kinds[static_cast<int>(one.kind)]) + ": " + one.makefile +
           (one.line == 0 ? "" : ":" + std::to_string(one.line)) + ": " + one.text +
           (one.condition.empty() ? "" : " if " + one.condition) +
           (one.reason.empty() ? "" : " since " + one.reason);
  }

  std::filesystem::path tree_;
};

TEST_F(Kbuild, The_file_is_asked_before_the_directory) {
  make("a", "obj-y := one.o two.o\nKCOV_INSTRUMENT := n\nKCOV_INSTRUMENT_two.o := y\n");
  EXPECT_EQ(decided("a/one.c"), "left out: a/Makefile:2: KCOV_INSTRUMENT := n");
  EXPECT_EQ(decided("a/two.c"), "instrumented: a/Makefile:3: KCOV_INSTRUMENT_two.o := y");
  make("a", "KCOV_INSTRUMENT_one.o = n\n");
  EXPECT_EQ(decided("a/one.c"), "left out: a/Makefile:1: KCOV_INSTRUMENT_one.o = n");
  EXPECT_EQ(decided("a/phone.c"), "not known: a/Makefile: ");
}

TEST_F(Kbuild, The_directory_before_the_whole) {
  const auto all = config("CONFIG_KCOV_INSTRUMENT_ALL=y\n");
  const auto none = config("# CONFIG_KCOV_INSTRUMENT_ALL is not set\n");
  make("a", "obj-y := one.o\n");
  const std::string path = (scratch_->path() / ".config").string();
  EXPECT_EQ(decided("a/one.c", &*all), "instrumented: " + path + ": CONFIG_KCOV_INSTRUMENT_ALL=y");
  EXPECT_EQ(decided("a/one.c", &*none),
            "left out: " + path + ": CONFIG_KCOV_INSTRUMENT_ALL is not set");
  make("a", "KCOV_INSTRUMENT\t\t:= y # all of it\n");
  EXPECT_EQ(decided("a/one.c", &*none), "instrumented: a/Makefile:1: KCOV_INSTRUMENT := y");
  // Not into those below.
  make("a/b", "obj-y := two.o\n");
  EXPECT_EQ(decided("a/b/two.c", &*none),
            "left out: " + path + ": CONFIG_KCOV_INSTRUMENT_ALL is not set");
}

TEST_F(Kbuild, The_Makefile_is_the_one_that_builds_it) {
  make("a", "obj-y := one.o b/two.o\nKCOV_INSTRUMENT := n\n");
  make("a/b", "obj-y := three.o\nKCOV_INSTRUMENT_two.o := y\n");
  EXPECT_EQ(decided("a/b/two.c"), "left out: a/Makefile:2: KCOV_INSTRUMENT := n");
  EXPECT_EQ(decided("a/b/three.c"), "not known: a/b/Makefile: ");
  // None mentions it: the nearest.
  EXPECT_EQ(decided("a/c/four.c"), "left out: a/Makefile:2: KCOV_INSTRUMENT := n");
  // One that lies elsewhere.
  EXPECT_EQ(decided("a/../lib/five.c"), "left out: a/Makefile:2: KCOV_INSTRUMENT := n");
  // Kbuild comes before Makefile.
  write(tree_ / "a/Kbuild", "KCOV_INSTRUMENT := y\n");
  EXPECT_EQ(decided("a/one.c"), "instrumented: a/Kbuild:1: KCOV_INSTRUMENT := y");
}

TEST_F(Kbuild, What_a_file_below_is_called_depends_on_the_kernels_age) {
  make("a", "obj-y := b/two.o\nKCOV_INSTRUMENT_b/two.o := n\nKCOV_INSTRUMENT_two.o := y\n");
  EXPECT_EQ(decided("a/b/two.c"), "left out: a/Makefile:2: KCOV_INSTRUMENT_b/two.o := n");
  write(tree_ / "scripts/Makefile.lib", "$(KCOV_INSTRUMENT_$(basetarget).o)\n");
  EXPECT_EQ(decided("a/b/two.c"), "instrumented: a/Makefile:3: KCOV_INSTRUMENT_two.o := y");
}

TEST_F(Kbuild, A_unit_with_an_absolute_name_is_found_by_its_end) {
  make("a", "KCOV_INSTRUMENT_one.o := n\n");
  write(tree_ / "a/one.c", "");
  EXPECT_EQ(decided("/build/linux/a/one.c"), "left out: a/Makefile:1: KCOV_INSTRUMENT_one.o := n");
  EXPECT_EQ(decided("/build/linux/b/one.c"), "not known: Makefile: ");
  EXPECT_EQ(find_in_tree(tree_, "/build/linux/a/two.c"), "");
  EXPECT_EQ(decide_instrumentation(tree_ / "nowhere", "a/one.c", nullptr).makefile, "");
}

TEST_F(Kbuild, The_reason_is_the_comment_above) {
  make("a",
       "# Not this.\n\n# It runs early,\n# and often.\nKCOV_INSTRUMENT_one.o := n\n"
       "KCOV_INSTRUMENT_two.o := n\n# Another.\nKCOV_INSTRUMENT_three.o := n\nobj-y := x.o\n\n"
       "KCOV_INSTRUMENT_four.o := n\n");
  const std::string early = " since It runs early, and often.";
  EXPECT_EQ(decided("a/one.c"), "left out: a/Makefile:5: KCOV_INSTRUMENT_one.o := n" + early);
  EXPECT_EQ(decided("a/two.c"), "left out: a/Makefile:6: KCOV_INSTRUMENT_two.o := n" + early);
  EXPECT_EQ(decided("a/three.c"),
            "left out: a/Makefile:8: KCOV_INSTRUMENT_three.o := n since Another.");
  EXPECT_EQ(decided("a/four.c"), "left out: a/Makefile:11: KCOV_INSTRUMENT_four.o := n");
}

TEST_F(Kbuild, Conditions_on_the_configuration_are_worked_out) {
  make("a",
       "ifdef CONFIG_SMP\nKCOV_INSTRUMENT_one.o := n\nelse\nKCOV_INSTRUMENT_one.o := y\nendif\n"
       "ifeq ($(CONFIG_BITS),64)\nKCOV_INSTRUMENT_two.o := n\n"
       "else ifneq ($(CONFIG_BITS),16)\nKCOV_INSTRUMENT_two.o := y\nendif\n"
       "ifeq \"$(CONFIG_SMP)\" \"y\"\nKCOV_INSTRUMENT_three.o := n\nendif\n"
       "ifneq ($(filter a,b),)\nKCOV_INSTRUMENT_four.o := n\nendif\n");
  const auto smp = config("CONFIG_SMP=y\nCONFIG_BITS=64\n");
  const auto up = config("CONFIG_BITS=32\n");
  const auto tiny = config("CONFIG_BITS=16\n");
  EXPECT_EQ(decided("a/one.c", &*smp), "left out: a/Makefile:2: KCOV_INSTRUMENT_one.o := n");
  EXPECT_EQ(decided("a/one.c", &*up), "instrumented: a/Makefile:4: KCOV_INSTRUMENT_one.o := y");
  EXPECT_EQ(decided("a/one.c"),
            "instrumented: a/Makefile:4: KCOV_INSTRUMENT_one.o := y if else of ifdef CONFIG_SMP");
  EXPECT_EQ(decided("a/two.c", &*smp), "left out: a/Makefile:7: KCOV_INSTRUMENT_two.o := n");
  EXPECT_EQ(decided("a/two.c", &*up), "instrumented: a/Makefile:9: KCOV_INSTRUMENT_two.o := y");
  EXPECT_EQ(decided("a/two.c", &*tiny).substr(0, 9), "left out:");
  EXPECT_EQ(decided("a/three.c", &*smp), "left out: a/Makefile:12: KCOV_INSTRUMENT_three.o := n");
  EXPECT_EQ(decided("a/four.c", &*up),
            "left out: a/Makefile:15: KCOV_INSTRUMENT_four.o := n if ifneq ($(filter a,b),)");
}

TEST_F(Kbuild, Names_with_references_in_them_are_taken_for_what_they_may_be) {
  make("a", "KCOV_INSTRUMENT_head$(BITS).o\t:= n\n");
  EXPECT_EQ(decided("a/head64.c"), "left out: a/Makefile:1: KCOV_INSTRUMENT_head$(BITS).o := n");
  EXPECT_EQ(decided("a/tail64.c"), "not known: a/Makefile: ");
  make("a", "KCOV_INSTRUMENT_one.o := $(WHATEVER)\n");
  EXPECT_EQ(decided("a/one.c"), "not known: a/Makefile:1: KCOV_INSTRUMENT_one.o := $(WHATEVER)");
  EXPECT_TRUE(may_be("$(A)b$(C)", "xbyb"));
  EXPECT_FALSE(may_be("$(A)b$(C)d", "xbyb"));
  EXPECT_FALSE(may_be("a$(", "b"));
}

TEST_F(Kbuild, Programs_of_the_host_are_not_asked_for) {
  const std::string rules = "include $(srctree)/arch/um/scripts/Makefile.rules\n";
  make("a", "KCOV_INSTRUMENT := y\nUSER_OBJS := one.o two.o\n" + rules);
  EXPECT_EQ(decided("a/one.c"), "of the host: a/Makefile:2: USER_OBJS := one.o two.o");
  EXPECT_EQ(decided("a/net_user.c"), "of the host: a/Makefile: net_user.c, by its name");
  EXPECT_EQ(decided("a/net_kern.c"), "instrumented: a/Makefile:1: KCOV_INSTRUMENT := y");
  make("a", "USER_OBJS := $(obj-y)\n" + rules);
  EXPECT_EQ(decided("a/one.c"), "of the host: a/Makefile:1: USER_OBJS := $(obj-y)");
  make("a", "KCOV_INSTRUMENT := y\n");
  EXPECT_EQ(decided("a/net_user.c"), "instrumented: a/Makefile:1: KCOV_INSTRUMENT := y");
}

TEST_F(Kbuild, The_last_assignment_holds_and_lines_go_on) {
  make("a",
       "KCOV_INSTRUMENT := n\nKCOV_INSTRUMENT := \\\n  y\nKCOV_INSTRUMENT ?= n\n"
       "export KCOV_INSTRUMENT_one.o := n\nx.o: KCOV_INSTRUMENT_two.o := n\n");
  EXPECT_EQ(decided("a/two.c"), "instrumented: a/Makefile:2: KCOV_INSTRUMENT := y");
  EXPECT_EQ(decided("a/one.c"), "left out: a/Makefile:5: export KCOV_INSTRUMENT_one.o := n");
  // Whatever stands there, reading ends.
  for (const char* odd :
       {"else\nendif\nendif\nifeq\nifeq (\nifdef\n", "=\n:=\n+=\n", "\\", "ifeq (a\nelse if\n"})
    read_assignments(odd, nullptr);
}

TEST(Definition, Words_above_and_behind_its_name_count) {
  const char* const source =
      "int other(void) noinstr;\n"                       // 1
      "static noinstr\n"                                 // 2
      "int two_lines(int a,\n"                           // 3
      "              int b)\n"                           // 4
      "{\n"                                              // 5
      "  noinstr();\n"                                   // 6
      "}\n"                                              // 7
      "int plain(void) { __no_sanitize_coverage(); }\n"  // 8
      "/* noinstr */\n"                                  // 9
      "int commented(void) { }\n"                        // 10
      "DEFINE_IDTENTRY_RAW(exc_nmi)\n"                   // 11
      "{\n}\n"                                           // 12, 13
      "int behind(void) __no_sanitize_coverage\n{\n";    // 14
  EXPECT_EQ(word_against_instrumentation(source, 3), "noinstr");
  EXPECT_EQ(word_against_instrumentation(source, 8), "");
  EXPECT_EQ(word_against_instrumentation(source, 10), "");
  EXPECT_EQ(word_against_instrumentation(source, 11), "DEFINE_IDTENTRY_RAW");
  EXPECT_EQ(word_against_instrumentation(source, 14), "__no_sanitize_coverage");
  EXPECT_EQ(word_against_instrumentation(source, 0), "");
  EXPECT_EQ(word_against_instrumentation(source, 1000), "");
}

}  // namespace
}  // namespace kcov::doctor
