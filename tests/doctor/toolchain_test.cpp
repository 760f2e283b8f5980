// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Compilers are believed by what they make; what a build lacks is told by Debian's names.
#include "tests/doctor/fake_host.hpp"

namespace kcov::doctor {
namespace {

class Toolchain : public FakeHost {
 protected:
  void SetUp() override {
    FakeHost::SetUp();
    ::setenv("KCOVTOOL_DATA", (scratch_->path() / "data").c_str(), 1);
    write(scratch_->path() / "data/lab/config/um.config", "CONFIG_KCOV=y\n");
    write(scratch_->path() / "data/lab/config/x86_64.config", "series 6.1\n");
  }
  void TearDown() override {
    ::unsetenv("KCOVTOOL_DATA");
    FakeHost::TearDown();
  }

  // A compiler of that name: `pcs` and `both` are what it does when asked for PCs, or for
  // comparisons, too.
  void put_compiler(const std::string& name, const std::string& pcs, const std::string& both) {
    put_program(name, "case \"$*\" in --version) echo \"" + name + " 9\";; *trace-pc,trace-cmp*) " +
                          both + ";; *trace-pc*) " + pcs + ";; *) exit 1;; esac");
  }
};

constexpr const char* kCallsTrace = "echo '\tcall __sanitizer_cov_trace_pc'";
constexpr const char* kCallsBoth =
    "echo call __sanitizer_cov_trace_pc; echo call __sanitizer_cov_trace_const_cmp4";
constexpr const char* kFails = "echo 'unknown argument'; exit 1";

TEST_F(Toolchain, Compilers_are_believed_by_the_calls_that_they_make) {
  EXPECT_TOLD(check_compilers(host_), "compilers",
              "problem | neither gcc nor clang is in PATH | apt-get install gcc");
  put_compiler("gcc", kCallsTrace, kCallsBoth);
  EXPECT_TOLD(check_compilers(host_), "gcc", "ok | gcc 9: instruments for PCs and comparisons");
  EXPECT_TOLD(check_compilers(host_), "clang",
              "not known | clang is not in PATH; one compiler will do");
  put_compiler("gcc", kCallsTrace, kFails);
  EXPECT_TOLD(check_compilers(host_), "gcc",
              "ok | gcc 9: instruments for PCs, not for comparisons");
  // It takes the option, and does nothing about it.
  put_compiler("gcc", "echo ret", "echo ret");
  EXPECT_TOLD(check_compilers(host_), "gcc",
              "problem | gcc 9: -fsanitize-coverage=trace-pc makes no call of kcov");
  put_compiler("clang", kFails, kFails);
  EXPECT_TOLD(
      check_compilers(host_), "clang",
      "problem | clang 9: -fsanitize-coverage=trace-pc fails: unknown argument | gcc 6 or clang 4");
  put_program("clang", "echo broken; exit 3");
  EXPECT_TOLD(check_compilers(host_), "clang", "--version: broken | install clang again");
}

TEST_F(Toolchain, The_compiler_that_built_this_can_instrument) {
  const Section section = check_compilers(Host::here());
  EXPECT_FALSE(section.has_problem()) << told(section, "gcc") << told(section, "clang");
}

TEST_F(Toolchain, Missing_packages_are_named) {
  EXPECT_TOLD(check_build(host_, "um"), "packages",
              "problem | missing: gcc g++ make binutils flex bison bc perl tar xz-utils | apt-get "
              "install gcc g++ make");
  for (const char* name : {"gcc", "g++", "make", "ld", "flex", "bison", "bc", "perl", "tar"})
    put_program(name);
  EXPECT_TOLD(check_build(host_, "um"), "packages", "missing: xz-utils | apt-get install xz-utils");
  put_program("xz");
  EXPECT_TOLD(check_build(host_, "um"), "packages", "ok | ");
  EXPECT_TOLD(check_build(host_, "x86_64"), "packages", "missing: libelf-dev");
  put("/usr/include/gelf.h", "");
  EXPECT_TOLD(check_build(host_, "x86_64"), "packages", "ok | ");
}

TEST_F(Toolchain, The_source_is_that_of_the_machines_series) {
  EXPECT_TOLD(check_build(host_, "um"), "source",
              "problem | /usr/src/linux-source-6.12.tar.xz is not there | apt-get install "
              "linux-source-6.12, or");
  EXPECT_TOLD(check_build(host_, "x86_64"), "source", "apt-get install linux-source-6.1,");
  put("/usr/src/linux-source-6.12.tar.xz", "");
  EXPECT_TOLD(check_build(host_, "um"), "source", "ok | ");
}

TEST_F(Toolchain, Without_the_headers_of_plugins_it_is_slower_and_no_problem) {
  write(scratch_->path() / "data/lab/config/um.config", "plugins: CONFIG_GCC_PLUGINS=y\n");
  put_program("gcc", "case $1 in -dumpversion) echo 9;; *) echo /gcc/plugin;; esac");
  EXPECT_TOLD(check_build(host_, "um"), "plugins", "ok | gcc's headers for them are missing");
  EXPECT_TOLD(check_build(host_, "um"), "plugins", "apt-get install gcc-9-plugin-dev");
  put("/gcc/plugin/include/plugin-version.h", "");
  EXPECT_TOLD(check_build(host_, "um"), "plugins", "ok | gcc's headers for them are in /gcc");
}

TEST_F(Toolchain, A_full_disk_is_told) {
  EXPECT_TOLD(check_build(host_, "um"), "room", "ok | 1048576 MiB are free for ");
  host_.free_bytes = [](const std::filesystem::path&) { return std::uint64_t{100} << 20; };
  EXPECT_TOLD(check_build(host_, "um"), "room", "problem | 100 MiB are free for ");
  EXPECT_TOLD(check_build(host_, "um"), "room", "set KCOVTOOL_CACHE");
  // Where nothing is yet, its disk is that of the directory above it.
  EXPECT_GT(Host::here().free_bytes(scratch_->path() / "not/there/yet"), 0u);
}

}  // namespace
}  // namespace kcov::doctor
