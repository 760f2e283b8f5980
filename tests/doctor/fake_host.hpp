// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A machine to be examined: a tree of files in a scratch directory, and answers. As it is made,
// there is nothing in it, and nothing works.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "doctor/checks.hpp"
#include "support/files.hpp"

namespace kcov::doctor {

inline std::string image(const std::string& name) {
  return std::string(KCOV_TEST_IMAGES) + "/" + name;
}

class FakeHost : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<TemporaryDirectory> made =
        TemporaryDirectory::create(std::filesystem::temp_directory_path(), "kcov-doctor");
    ASSERT_TRUE(made);
    scratch_ = std::make_unique<TemporaryDirectory>(*std::move(made));
    host_.root = scratch_->path() / "root";
    host_.programs = {scratch_->path() / "bin"};
    host_.release = "6.12.0-test";
    host_.is_root = true;
    host_.free_bytes = [](const std::filesystem::path&) { return std::uint64_t{1} << 40; };
    host_.ptrace_obstacle = [] { return std::string(); };
    host_.try_unmaking = [this] { return unmaking_; };
    host_.try_kcov = [this](const std::string&) { return trial_; };
    host_.try_lab = [this](const lab::Kernel&) { return lab_trial_; };
    trial_.error = std::make_error_code(std::errc::no_such_file_or_directory);
    // What is looked up by the environment is not this machine's either.
    ::setenv("KCOVTOOL_CACHE", (scratch_->path() / "cache").c_str(), 1);
  }
  void TearDown() override { ::unsetenv("KCOVTOOL_CACHE"); }

  void write(const std::filesystem::path& path, std::string_view text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  // "/proc/mounts" of the fake machine.
  void put(std::string_view path, std::string_view text) { write(host_.at(path), text); }
  void put_program(const std::string& name, const std::string& script = "exit 0") {
    const std::filesystem::path path = scratch_->path() / "bin" / name;
    write(path, "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }

  // kcov works, and has recorded these.
  void let_kcov_record(std::vector<std::uint64_t> pcs) {
    trial_.reached = KcovTrial::Step::done;
    trial_.error = {};
    trial_.pcs = std::move(pcs);
  }
  void let_kcov_fail(KcovTrial::Step step, int error) {
    trial_.reached = step;
    trial_.error = {error, std::generic_category()};
  }

  std::unique_ptr<TemporaryDirectory> scratch_;
  Host host_;
  KcovTrial trial_;
  Unmaking unmaking_;
  Result<LabTrial> lab_trial_ = Error{"nothing boots here"};
};

// "problem | seen | remedy", for each finding of that name, a line each; "" where there is none.
inline std::string told(const Section& section, std::string_view check) {
  std::string all;
  for (const Finding& one : section.findings) {
    if (one.check != check) continue;
    all += std::string(name_of(one.verdict)) + " | " + one.seen + " | " + one.remedy + "\n";
  }
  return all;
}

#define EXPECT_TOLD(section, check, text)                       \
  EXPECT_NE(told(section, check).find(text), std::string::npos) \
      << #section ": " << told(section, check)

}  // namespace kcov::doctor
