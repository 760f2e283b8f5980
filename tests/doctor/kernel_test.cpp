// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The running kernel: each thing that can be wrong is told with its own remedy.
#include <elf.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>

#include "tests/doctor/fake_host.hpp"

namespace kcov::doctor {
namespace {

constexpr const char* kGoodConfig =
    "CONFIG_KCOV=y\nCONFIG_KCOV_INSTRUMENT_ALL=y\nCONFIG_DEBUG_FS=y\nCONFIG_NAME=\"a b\"\n"
    "# CONFIG_KCOV_SELFTEST is not set\n";
constexpr const char* kDebugfs = "debugfs /sys/kernel/debug debugfs rw 0 0\n";

class RunningKernel : public FakeHost {
 protected:
  Section examine() { return check_running_kernel(host_); }

  // The running kernel is this image.
  void run_image(const std::string& name) {
    const Result<symbol::Image> opened = symbol::Image::open(image(name));
    ASSERT_TRUE(opened);
    std::string id;
    for (std::size_t i = 0; i < opened->build_id().size(); i += 2)
      id += static_cast<char>(std::stoi(opened->build_id().substr(i, 2), nullptr, 16));
    // Another note comes first.
    const auto note = [](std::uint32_t type, const std::string& owner, const std::string& text) {
      const Elf64_Nhdr header{static_cast<Elf64_Word>(owner.size() + 1),
                              static_cast<Elf64_Word>(text.size()), type};
      std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
      bytes += owner + std::string(4 - owner.size() % 4, '\0') + text;
      return bytes + std::string((4 - text.size() % 4) % 4, '\0');
    };
    put("/sys/kernel/notes", note(7, "Xen", "abc") + note(NT_GNU_BUILD_ID, "GNU", id));
  }
  void put_image(const std::string& name) {
    const std::filesystem::path path = host_.at("/usr/lib/debug/boot/vmlinux-" + host_.release);
    std::filesystem::create_directories(path.parent_path());
    std::filesystem::copy_file(image(name), path);
  }
};

TEST_F(RunningKernel, Without_kcov_that_alone_is_told) {
  put("/boot/config-6.12.0-test", "CONFIG_DEBUG_FS=y\n# CONFIG_KCOV is not set\n");
  const Section section = examine();
  EXPECT_EQ(section.findings.size(), 1u);
  EXPECT_TOLD(section, "kcov", "problem | CONFIG_KCOV is not set in ");
  EXPECT_TOLD(section, "kcov", "use a kernel that was built with CONFIG_KCOV=y");
}

TEST_F(RunningKernel, Its_configuration_is_found_in_each_of_its_places) {
  EXPECT_TOLD(examine(), "kcov", "not known | the configuration of Linux 6.12.0-test is neither");
  for (const char* place : {"/lib/modules/6.12.0-test/config",
                            "/lib/modules/6.12.0-test/build/.config", "/boot/config-6.12.0-test"}) {
    put(place, kGoodConfig);
    EXPECT_TOLD(examine(), "kcov",
                std::string("ok | CONFIG_KCOV=y in ") + host_.at(place).string());
  }
  std::filesystem::create_directories(host_.at("/proc"));
  gzFile packed = gzopen(host_.at("/proc/config.gz").c_str(), "wb");
  gzputs(packed, kGoodConfig);
  gzclose(packed);
  EXPECT_TOLD(examine(), "kcov", "/proc/config.gz");
  const Result<KernelConfig> config = running_config(host_);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->value("CONFIG_NAME"), "a b");
  EXPECT_FALSE(config->is_set("CONFIG_KCOV_SELFTEST"));
  // One that is damaged is not the last word.
  put("/proc/config.gz", "\x1f\x8b nonsense");
  EXPECT_TOLD(examine(), "kcov", "/boot/config-6.12.0-test");
  put("/boot/config-6.12.0-test", "no options here\n");
  EXPECT_TOLD(examine(), "kcov", "/build/.config");
}

TEST_F(RunningKernel, Without_debugfs_there_is_no_way_to_kcov) {
  put("/boot/config-6.12.0-test", "CONFIG_KCOV=y\n");
  EXPECT_TOLD(examine(), "kcov", "CONFIG_DEBUG_FS is not set");
  EXPECT_TOLD(examine(), "kcov", "build the kernel with CONFIG_DEBUG_FS=y");
  put("/boot/config-6.12.0-test", kGoodConfig);
  put("/proc/mounts", "proc /proc proc rw 0 0\n");
  EXPECT_TOLD(examine(), "debugfs", "problem | no debugfs is mounted");
  EXPECT_TOLD(examine(), "debugfs", "mount -t debugfs none /sys/kernel/debug");
  put("/proc/mounts", "debugfs /mnt/debug debugfs rw 0 0\n");
  EXPECT_TOLD(examine(), "debugfs", "problem | debugfs is mounted at /mnt/debug");
  put("/proc/mounts", kDebugfs);
  EXPECT_TOLD(examine(), "device", "there is no /sys/kernel/debug/kcov");
}

TEST_F(RunningKernel, Who_may_not_open_it_is_told_why) {
  put("/boot/config-6.12.0-test", kGoodConfig);
  put("/proc/mounts", kDebugfs);
  host_.is_root = false;
  let_kcov_fail(KcovTrial::Step::open, EACCES);
  EXPECT_TOLD(examine(), "permission", "| run kcovtool as root");
  host_.is_root = true;
  let_kcov_fail(KcovTrial::Step::open, EPERM);
  EXPECT_TOLD(examine(), "permission",
              "by root either: Operation not permitted | leave the container");
  put("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
  EXPECT_TOLD(examine(), "permission", "leave the container");
  put("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
  EXPECT_TOLD(examine(), "lockdown", "the kernel is locked down (integrity)");
  EXPECT_TOLD(examine(), "lockdown", "turn Secure Boot off");
}

TEST_F(RunningKernel, Each_step_that_fails_is_named) {
  put("/boot/config-6.12.0-test", kGoodConfig);
  let_kcov_fail(KcovTrial::Step::initialize, ENOMEM);
  EXPECT_TOLD(examine(), "tracing", "KCOV_INIT_TRACE): Cannot allocate memory | free memory");
  let_kcov_fail(KcovTrial::Step::initialize, ENOTTY);
  EXPECT_TOLD(examine(), "tracing", "is no kcov");
  let_kcov_fail(KcovTrial::Step::map, EINVAL);
  EXPECT_TOLD(examine(), "tracing", "map its buffer: Invalid argument | see dmesg");
  let_kcov_fail(KcovTrial::Step::enable, EBUSY);
  EXPECT_TOLD(examine(), "tracing", "KCOV_ENABLE): Device or resource busy");
  let_kcov_fail(KcovTrial::Step::disable, EINVAL);
  EXPECT_TOLD(examine(), "tracing", "KCOV_DISABLE): Invalid argument");
}

TEST_F(RunningKernel, What_works_is_told_with_its_numbers) {
  put("/boot/config-6.12.0-test", kGoodConfig);
  let_kcov_record({1, 2, 3});
  trial_.comparisons = 7;
  EXPECT_TOLD(examine(), "kcov", "ok | the kernel has a kcov");
  EXPECT_TOLD(examine(), "tracing", "ok | read(-1) recorded 3 PCs");
  EXPECT_TOLD(examine(), "whole kernel", "ok | CONFIG_KCOV_INSTRUMENT_ALL=y");
  EXPECT_TOLD(examine(), "comparisons", "ok | read(-1) recorded 7");
}

TEST_F(RunningKernel, That_records_nothing_is_not_instrumented) {
  put("/boot/config-6.12.0-test", "CONFIG_KCOV=y\nCONFIG_DEBUG_FS=y\n");
  let_kcov_record({});
  EXPECT_TOLD(examine(), "tracing",
              "problem | /sys/kernel/debug/kcov works, but read(-1) recorded nothing");
  EXPECT_TOLD(examine(), "tracing", "CONFIG_KCOV_INSTRUMENT_ALL=y");
  EXPECT_TOLD(examine(), "whole kernel", "problem | CONFIG_KCOV_INSTRUMENT_ALL is not set");
}

TEST_F(RunningKernel, Comparisons_are_no_must) {
  let_kcov_record({1});
  trial_.comparison_error = {524, std::generic_category()};
  EXPECT_TOLD(examine(), "comparisons", "ok | this kernel cannot trace comparisons");
  EXPECT_TOLD(examine(), "comparisons", "CONFIG_KCOV_ENABLE_COMPARISONS=y");
  trial_.comparison_error = {EBUSY, std::generic_category()};
  EXPECT_TOLD(examine(), "comparisons", "problem | tracing of comparisons could not be enabled");
  EXPECT_TOLD(examine(), "whole kernel", "not known | the configuration");
}

TEST_F(RunningKernel, Its_image_is_known_by_the_build_id) {
  let_kcov_record({1, 2, 3});
  EXPECT_TOLD(examine(), "names", "problem | no image of Linux 6.12.0-test was found");
  put_image("traced");
  EXPECT_TOLD(examine(), "names", "not known | /usr/lib/debug/boot/vmlinux-6.12.0-test may be");
  run_image("plain");
  EXPECT_TOLD(examine(), "names", "is of another build (build-id ");
  EXPECT_TOLD(examine(), "names", "name the vmlinux of this very build with --vmlinux");
  run_image("traced");
  EXPECT_TOLD(examine(), "names", "ok | /usr/lib/debug/boot/vmlinux-6.12.0-test is the running");
  EXPECT_TOLD(examine(), "addresses",
              "problem | 0 of 3 PCs lie behind calls of kcov in the image: what KASLR adds");
  EXPECT_TOLD(examine(), "addresses", "boot with nokaslr");
  put("/proc/cmdline", "quiet nokaslr\n");
  EXPECT_TOLD(examine(), "addresses",
              "problem | 0 of 3 PCs lie behind calls of kcov in the image | boot");
}

TEST_F(RunningKernel, Notes_that_are_cut_short_tell_nothing) {
  run_image("traced");
  const std::string whole = host_.read("/sys/kernel/notes");
  EXPECT_EQ(running_build_id(host_), symbol::Image::open(image("traced"))->build_id());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put("/sys/kernel/notes", whole.substr(0, size));
    EXPECT_EQ(running_build_id(host_), "") << size;
  }
}

}  // namespace
}  // namespace kcov::doctor
