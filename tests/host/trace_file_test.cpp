// SPDX-License-Identifier: GPL-2.0-only OR MIT
// KCOV_HOST_TRACE: a program traced from outside, from the tool's side.
#include "port/host/trace_file.hpp"

#include <climits>
#include <cstdlib>
#include <string>

#include "support.hpp"

namespace kcov::test {
namespace {

using host::TraceFileHeader;
using host::TraceFileModule;
using host::TraceFileState;

class TraceFile {
 public:
  explicit TraceFile(std::uint64_t words) : bytes_(host::trace_file_bytes(words)) {
    fd_ = memfd_create("trace", MFD_ALLOW_SEALING);
    EXPECT_EQ(0, ftruncate(fd_, static_cast<off_t>(bytes_)));
    base_ = static_cast<unsigned char*>(
        mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0));
    header().magic = host::kTraceFileMagic;
    header().version = host::kTraceFileVersion;
    header().words = words;
  }
  ~TraceFile() {
    munmap(base_, bytes_);
    close(fd_);
  }
  int fd() const { return fd_; }
  TraceFileHeader& header() const { return *reinterpret_cast<TraceFileHeader*>(base_); }
  TraceFileState state() const { return static_cast<TraceFileState>(header().state); }
  std::uint64_t* area() const {
    return reinterpret_cast<std::uint64_t*>(base_ + host::kTraceFileBufferOffset);
  }
  std::vector<TraceFileModule> modules() const {
    const auto* const first = reinterpret_cast<const TraceFileModule*>(
        base_ + host::trace_file_modules_offset(header().words));
    return {first, first + header().modules};
  }
  // Runs `program` with this file, and gives its exit status.
  int run(std::vector<const char*> program, std::string variable = {}) const {
    if (variable.empty()) variable = std::to_string(fd_);
    return in_child([&] {
      setenv(host::kTraceFileVariable, variable.c_str(), 1);
      program.push_back(nullptr);
      execvp(program[0], const_cast<char* const*>(program.data()));
      return 127;
    });
  }
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

 private:
  std::size_t bytes_;
  int fd_ = -1;
  unsigned char* base_ = nullptr;
};

TEST(HostTraceFile, A_program_is_traced_without_knowing) {
  TraceFile file(64 * kPageWords);
  ASSERT_EQ(0, file.run({INNOCENT_PROGRAM, "return", "100"}));
  EXPECT_EQ(TraceFileState::finished, file.state());
  EXPECT_EQ(0u, file.header().dropped);
  const std::uint64_t count = file.area()[0];
  EXPECT_LT(100u, count);
  ASSERT_LT(0u, file.header().modules);
  char path[PATH_MAX];
  ASSERT_NE(nullptr, realpath(INNOCENT_PROGRAM, path));
  const TraceFileModule program = file.modules()[0];
  EXPECT_STREQ(path, program.path);
  EXPECT_EQ(file.header().load_bias, program.bias);
  for (std::size_t record = 1; record <= count; ++record) {
    const std::uint64_t address = file.area()[record] + file.header().load_bias;
    EXPECT_TRUE(address > program.start && address < program.end);
  }
}

TEST(HostTraceFile, What_did_not_fit_is_counted_when_the_program_ends) {
  TraceFile large(64 * kPageWords);
  TraceFile small(kPageWords);
  ASSERT_EQ(0, large.run({INNOCENT_PROGRAM, "return", "1000"}));
  ASSERT_EQ(0, small.run({INNOCENT_PROGRAM, "return", "1000"}));
  EXPECT_EQ(kPageWords - 1, small.area()[0]);
  EXPECT_EQ(large.area()[0] - (kPageWords - 1), small.header().dropped);
}

TEST(HostTraceFile, A_program_that_leaves_through__exit_stays_in_state_tracing) {
  TraceFile file(kPageWords);
  ASSERT_EQ(0, file.run({INNOCENT_PROGRAM, "_exit"}));
  EXPECT_EQ(TraceFileState::tracing, file.state());
  EXPECT_LT(0u, file.area()[0]);
  EXPECT_LT(0u, file.header().modules);
}

TEST(HostTraceFile, A_forked_child_is_untraced_and_does_not_finish_its_parents_file) {
  TraceFile file(64 * kPageWords);
  ASSERT_EQ(0, file.run({INNOCENT_PROGRAM, "fork", "10"}));
  EXPECT_EQ(TraceFileState::finished, file.state());
  EXPECT_GT(1000u, file.area()[0]);
}

TEST(HostTraceFile, A_shell_in_between_passes_it_on_and_the_first_program_has_it) {
  TraceFile file(64 * kPageWords);
  ASSERT_EQ(
      0, file.run({"sh", "-c", INNOCENT_PROGRAM " return 10 && " INNOCENT_PROGRAM " return 5000"}));
  EXPECT_EQ(TraceFileState::finished, file.state());
  EXPECT_LT(10u, file.area()[0]);
  EXPECT_GT(1000u, file.area()[0]);
}

TEST(HostTraceFile, Whoever_sees_the_variable_closes_the_file_whether_it_has_it_or_not) {
  TraceFile file(64 * kPageWords);
  const std::string fd = std::to_string(file.fd());
  const std::string command = INNOCENT_PROGRAM " is_closed " + fd;
  EXPECT_EQ(0, file.run({"sh", "-c", command.c_str()})) << "claimed";
  EXPECT_EQ(0, file.run({"sh", "-c", (command + "; " + command).c_str()})) << "another has it";
  file.header().version = 0;
  EXPECT_EQ(0, file.run({"sh", "-c", command.c_str()})) << "of another version";
  file.header().magic = 1;
  EXPECT_EQ(8, file.run({"sh", "-c", command.c_str()})) << "not a trace file: the program's own";
}

TEST(HostTraceFile, A_sealed_file_is_like_any_other) {
  TraceFile file(64 * kPageWords);
  ASSERT_EQ(0, fcntl(file.fd(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
  ASSERT_EQ(0, file.run({INNOCENT_PROGRAM, "return", "100"}));
  EXPECT_EQ(TraceFileState::finished, file.state());
  EXPECT_EQ(0u, file.header().dropped);
  EXPECT_LT(100u, file.area()[0]);
}

TEST(HostTraceFile, A_program_without_kcov_host_leaves_the_state_created) {
  TraceFile file(kPageWords);
  ASSERT_EQ(0, file.run({"true"}));
  EXPECT_EQ(TraceFileState::created, file.state());
}

TEST(HostTraceFile, A_variable_that_names_no_trace_file_harms_nothing) {
  TraceFile file(kPageWords);
  for (const char* variable : {"-1", "0", "9999", "x", "1x", " ", "99999999999999999999"})
    EXPECT_EQ(0, file.run({INNOCENT_PROGRAM}, variable)) << variable;
  file.header().magic = 1;
  EXPECT_EQ(0, file.run({INNOCENT_PROGRAM}));
  EXPECT_EQ(0u, file.area()[0]);
  file.header().magic = host::kTraceFileMagic;
  file.header().words = 1u << 20;
  EXPECT_EQ(0, file.run({INNOCENT_PROGRAM})) << "a file shorter than it says";
  EXPECT_EQ(TraceFileState::created, file.state());
}

TEST(HostTraceFile, A_size_that_is_too_small_fails_with_its_errno) {
  TraceFile file(1);
  EXPECT_EQ(0, file.run({INNOCENT_PROGRAM}));
  EXPECT_EQ(TraceFileState::failed, file.state());
  EXPECT_EQ(EINVAL, static_cast<int>(file.header().error));
}

}  // namespace
}  // namespace kcov::test
