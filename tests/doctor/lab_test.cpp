// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The lab's kernels: what they lack on this machine is told before one is booted, and what a trial
// shows after.
#include "tests/doctor/fake_host.hpp"

namespace kcov::doctor {
namespace {

namespace fs = std::filesystem;

class Lab : public FakeHost {
 protected:
  void SetUp() override {
    FakeHost::SetUp();
    put_program("kcov-agent");
    ::setenv("KCOVTOOL_AGENT", (scratch_->path() / "bin/kcov-agent").c_str(), 1);
    ::setenv("KCOVTOOL_DATA", (scratch_->path() / "data").c_str(), 1);
    write(scratch_->path() / "data/port/linux/edits/6.12.json",
          R"({"series": "6.12", "files": [], "edits": [{"name": "um-register-buffer", "for": "boot",
              "why": "", "file": "f", "replace": "x", "with": "11264"}]})");
    write(scratch_->path() / "data/lab/config/um.config", "CONFIG_KCOV=y\n");
    write(scratch_->path() / "data/lab/config/x86_64.config", "CONFIG_KCOV=y\n");
  }
  void TearDown() override {
    ::unsetenv("KCOVTOOL_AGENT");
    ::unsetenv("KCOVTOOL_DATA");
    FakeHost::TearDown();
  }

  // A kernel on the shelf, whose image that is.
  void put_kernel(const std::string& machine, const std::string& name = "traced") {
    const fs::path kernels = scratch_->path() / "cache/kernels";
    write(kernels / "one/kernel.json",
          R"({"machine": ")" + machine + R"(", "variant": "ours", "release": "6.12.9"})");
    fs::copy_file(image(name), kernels / "one/vmlinux", fs::copy_options::overwrite_existing);
    const fs::path link = kernels / ("current-" + machine + "-ours");
    fs::remove(link);
    fs::create_symlink("one", link);
  }
  void let_trial_record(std::size_t records) {
    LabTrial trial;
    trial.command = {"true"};
    trial.build_id = symbol::Image::open(image("traced"))->build_id();
    trial.records = records;
    trial.pcs = {1, 2};
    lab_trial_ = trial;
  }
};

TEST_F(Lab, Without_a_kernel_it_says_how_to_have_one) {
  const Section section = check_lab(host_, "um");
  EXPECT_TOLD(section, "kernel",
              "problem | no kernel with our kcov has been built for the machine um");
  EXPECT_TOLD(section, "kernel", "kcovtool lab build --machine um (three to eight minutes)");
  EXPECT_EQ(told(section, "a trace"), "");
}

TEST_F(Lab, Without_its_agent_nothing_is_booted) {
  put_kernel("um");
  ::setenv("KCOVTOOL_AGENT", "/nonexistent/agent", 1);
  EXPECT_TOLD(
      check_lab(host_, "um"), "agent",
      "problem | cannot use the agent that KCOVTOOL_AGENT names, /nonexistent/agent: No such "
      "file or directory | name the kcov-agent of this kcovtool there, or nothing");
  EXPECT_EQ(told(check_lab(host_, "um"), "a trace"), "");
}

TEST_F(Lab, Ptrace_that_is_forbidden_is_told_with_who_forbids_it) {
  put_kernel("um");
  EXPECT_TOLD(check_lab(host_, "um"), "ptrace", "ok | ");
  put("/proc/sys/kernel/yama/ptrace_scope", "3\n");
  EXPECT_TOLD(check_lab(host_, "um"), "ptrace", "ptrace_scope is 3: nobody may use ptrace");
  EXPECT_TOLD(check_lab(host_, "um"), "ptrace", "until the next boot");
  put("/proc/sys/kernel/yama/ptrace_scope", "2\n");
  put("/proc/self/status", "Name:\tx\nCapEff:\t0000000000000000\nSeccomp:\t0\n");
  EXPECT_TOLD(check_lab(host_, "um"), "ptrace", "ptrace_scope is 2: root alone");
  EXPECT_TOLD(check_lab(host_, "um"), "ptrace", "sysctl kernel.yama.ptrace_scope=1");
  put("/proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\nSeccomp:\t0\n");
  EXPECT_TOLD(check_lab(host_, "um"), "ptrace", "ok | ");
  put("/proc/sys/kernel/yama/ptrace_scope", "1\n");
  host_.ptrace_obstacle = [] { return std::string("ptrace is forbidden here"); };
  put("/proc/self/status", "Name:\tx\nSeccomp:\t2\n");
  EXPECT_TOLD(check_lab(host_, "um"), "ptrace",
              "problem | ptrace is forbidden here; a seccomp filter is on");
  EXPECT_TOLD(check_lab(host_, "um"), "ptrace", "--cap-add=SYS_PTRACE");
  EXPECT_EQ(told(check_lab(host_, "um"), "a trace"), "");
}

TEST_F(Lab, Registers_that_do_not_fit_are_told) {
  put_kernel("um");
  EXPECT_EQ(told(check_lab(host_, "um"), "registers"), "");
  host_.register_bytes = 11008;
  EXPECT_TOLD(check_lab(host_, "um"), "registers",
              "ok | this processor's registers take 11008 bytes, the kernel has room for 11264");
  host_.register_bytes = 20000;
  EXPECT_TOLD(check_lab(host_, "um"), "registers", "problem | ");
  EXPECT_TOLD(check_lab(host_, "um"), "registers", "--on x86_64");
}

TEST_F(Lab, X86_64_takes_an_emulator) {
  put_kernel("x86_64");
  EXPECT_TOLD(check_lab(host_, "x86_64"), "emulator",
              "problem | qemu-system-x86_64 is not in PATH | apt-get install qemu-system-x86");
  put_program("qemu-system-x86_64");
  EXPECT_TOLD(check_lab(host_, "x86_64"), "emulator", "ok | ");
  EXPECT_EQ(told(check_lab(host_, "x86_64"), "ptrace"), "");
}

TEST_F(Lab, What_a_trial_shows_is_told) {
  put_kernel("um");
  EXPECT_TOLD(
      check_lab(host_, "um"), "a trace",
      "problem | nothing boots here | see what the kernel says: kcovtool lab run --machine um");
  let_trial_record(0);
  lab_trial_->untraced = "no memory for its buffer";
  EXPECT_TOLD(check_lab(host_, "um"), "a trace",
              "true ran and recorded nothing: no memory for its buffer");
  let_trial_record(100);
  EXPECT_TOLD(check_lab(host_, "um"), "a trace", "ok | true recorded 100 PCs, 2 of them different");
  EXPECT_TOLD(check_lab(host_, "um"), "names", "problem | 0 of 2 different PCs have a name");
  EXPECT_TOLD(check_lab(host_, "um"), "names", "kcovtool lab build --machine um");
  put_kernel("um", "plain");
  EXPECT_TOLD(check_lab(host_, "um"), "names", "problem | the kernel that ran has the build-id ");
}

}  // namespace
}  // namespace kcov::doctor
