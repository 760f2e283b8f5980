// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Images and functions: those of tree/, whose answers are known.
#include "tests/doctor/fake_host.hpp"

namespace kcov::doctor {
namespace {

symbol::Image open(const std::string& name) {
  Result<symbol::Image> opened = symbol::Image::open(image(name));
  if (!opened) ADD_FAILURE() << opened.error().message;
  return *std::move(opened);
}

Section ask(const std::string& function, const std::string& name = "traced",
            const std::filesystem::path& source = KCOV_TEST_TREE) {
  symbol::Image opened = open(name);
  const Result<KernelTree> tree = find_tree(source, image(name));
  if (!tree) ADD_FAILURE() << tree.error().message;
  return check_function(opened, function, *tree);
}

TEST(ImageExamined, How_much_of_it_is_instrumented_is_counted) {
  symbol::Image traced = open("traced");
  const symbol::Instrumentation found = traced.instrumentation();
  EXPECT_TRUE(found.has_callback);
  EXPECT_TRUE(found.is_known);
  EXPECT_EQ(found.instrumented, 3u);
  EXPECT_GT(found.calls, 2u);
  EXPECT_GT(found.comparisons, 0u);
  EXPECT_GT(found.functions, 8u);
  // Through a register.
  EXPECT_EQ(open("traced-large").instrumentation().instrumented, 3u);
  EXPECT_EQ(open("traced-large").instrumentation().comparisons, 0u);
  EXPECT_TRUE(open("traced-large").instrumentation().by_address);
  EXPECT_FALSE(found.by_address);
  EXPECT_EQ(open("plain").instrumentation().instrumented, 0u);
}

TEST(ImageExamined, What_is_wrong_with_it_is_told) {
  symbol::Image traced = open("traced");
  EXPECT_TOLD(check_image(traced), "instrumented", "only some directories are instrumented");
  EXPECT_TOLD(check_image(traced), "comparisons", "ok | ");
  EXPECT_TOLD(check_image(traced), "debug information", "ok | ");
  EXPECT_TOLD(check_image(traced), "build-id", "ok | " + traced.build_id());
  symbol::Image plain = open("plain");
  EXPECT_TOLD(check_image(plain), "instrumented", "problem | no function calls kcov | build the");
  symbol::Image stripped = open("stripped");
  EXPECT_TOLD(check_image(stripped), "debug information", "problem | none");
  EXPECT_TOLD(check_image(stripped), "build-id", "problem | none");
  Result<symbol::Image> ours = symbol::Image::open("/bin/true");
  ASSERT_TRUE(ours);
  EXPECT_TOLD(check_image(*ours), "kcov",
              "problem | __sanitizer_cov_trace_pc is not among its symbols");
}

TEST(FunctionExamined, One_that_is_instrumented_is_well) {
  for (const char* name : {"traced", "traced-large"}) {
    const Section section = ask("covered", name);
    EXPECT_TOLD(section, "code", "of kernel/covered.c: calls kcov");
    EXPECT_TOLD(section, "so", "ok | what it executes in a traced task is recorded");
    EXPECT_FALSE(section.has_problem());
  }
}

TEST(FunctionExamined, The_Makefiles_line_is_named_with_its_reason) {
  const Section section = ask("left_out");
  EXPECT_TOLD(
      section, "calls",
      "problem | left_out does not call kcov: kernel/Makefile:6: KCOV_INSTRUMENT_left_out.o := n; "
      "it says: \"It runs before there is a current task.\"");
  EXPECT_TOLD(section, "calls", "KCOV_INSTRUMENT_left_out.o := y");
  EXPECT_TOLD(ask("below"), "calls", "why is not known: kernel/Makefile says nothing of it");
  EXPECT_TOLD(ask("left_out", "traced", {}), "calls", "it was compiled from kernel/left_out.c");
  EXPECT_TOLD(ask("left_out", "traced", {}), "calls", "with --kernel-source");
  EXPECT_TOLD(ask("left_out", "stripped"), "calls", "which file it was compiled from");
}

TEST(FunctionExamined, So_is_what_its_definition_and_its_place_say) {
  EXPECT_TOLD(ask("unwilling"), "calls", "its definition says __no_sanitize_coverage");
  EXPECT_TOLD(ask("unwilling"), "calls", "kernel/covered.c:");
  EXPECT_TOLD(ask("entry"), "calls", "its code lies in .noinstr.text");
  EXPECT_TOLD(ask("at_boot"), "boot", "problem | its code lies in .init.text");
  EXPECT_TOLD(ask("low"), "calls", "it is written in assembly (kernel/low.S)");
}

TEST(FunctionExamined, One_that_was_inlined_is_told_into_whom) {
  const Section section = ask("twice");
  EXPECT_TOLD(section, "inlined",
              "ok | inlined everywhere, into 1 function, 1 of which call kcov: covered "
              "(kernel/covered.c)");
  EXPECT_EQ(told(section, "code"), "");
  EXPECT_TOLD(ask("inlined_where_nothing_calls"), "inlined",
              "problem | inlined everywhere, into 1 function, 0 of which");
}

TEST(FunctionExamined, One_that_is_not_there_has_neighbours) {
  EXPECT_TOLD(ask("overed"), "code", "problem | there is no overed among the symbols");
  EXPECT_TOLD(ask("overed"), "code", "there are covered, covered_all");
  // Mistyped: letters swapped, one left out, one too many, another.
  for (const char* typed : {"cvoered", "coverd", "coveredd", "cowered", "cvoerd"})
    EXPECT_TOLD(ask(typed), "code", "there are covered");
  EXPECT_TOLD(ask("uncovering"), "code", "or has another name | look for");
  EXPECT_TOLD(ask("covered", "plain"), "kcov", "problem | nothing in this image calls kcov");
}

TEST(FunctionExamined, A_source_that_is_none_is_refused) {
  const Result<KernelTree> tree = find_tree("/nonexistent", image("traced"));
  ASSERT_FALSE(tree);
  EXPECT_EQ(tree.error().exit_code, 2);
  EXPECT_NE(tree.error().message.find("cannot use /nonexistent as the kernel's source"),
            std::string::npos);
}

}  // namespace
}  // namespace kcov::doctor
