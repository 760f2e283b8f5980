// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Lets memory run out at each allocation of each call of kcov in turn, on a kernel with
// CONFIG_FAULT_INJECTION: the call fails with ENOMEM, and leaves the descriptor as it was.
// Prints how many allocations of each call were failed.
#include <errno.h>
#include <fcntl.h>
#include <kcov/uapi.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "port/linux/test/kcov_test.h"

namespace {

constexpr std::size_t kBytes = 1 << 20;
constexpr std::uint64_t kHandle = KCOV_SUBSYSTEM_USB | 1;

void expect(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "%s: not so (errno: %s)\n", what, std::strerror(errno));
  std::exit(1);
}

void write_file(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY);
  expect(fd >= 0, path);
  expect(write(fd, text, std::strlen(text)) > 0, path);
  close(fd);
}

// Runs `call` with its first allocation failing, then its second, until it makes fewer;
// `undone` looks at what is left of a call that failed, `undo` takes a successful one back.
template <typename Call, typename Undone, typename Undo>
void fail_each(const char* name, Call call, Undone undone, Undo undo) {
  const int control = open("/proc/thread-self/fail-nth", O_RDWR);
  expect(control >= 0, "/proc/thread-self/fail-nth");
  int failed = 0;
  for (int nth = 1;; ++nth) {
    char text[16];
    const int size = std::snprintf(text, sizeof text, "%d", nth);
    expect(pwrite(control, text, static_cast<std::size_t>(size), 0) == size, "arming");
    errno = 0;
    const bool succeeded = call();
    const int error = errno;
    expect(pread(control, text, sizeof text, 0) > 0, "asking whether it was reached");
    const bool reached = text[0] == '0';
    expect(pwrite(control, "0", 1, 0) == 1, "disarming");
    if (succeeded) {
      undo();
    } else {
      errno = error;
      expect(reached && error == ENOMEM, name);
      ++failed;
      undone();
    }
    if (!reached) break;
  }
  close(control);
  std::printf("%s: %d\n", name, failed);
}

int open_kcov() { return open("/sys/kernel/debug/kcov", O_RDWR); }
bool initialize(int fd) { return ioctl(fd, KCOV_INIT_TRACE, kBytes / 8) == 0; }
void* map(int fd) { return mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); }
bool disable(int fd) { return ioctl(fd, KCOV_DISABLE, 0) == 0; }
bool enable_remote(int fd) {
  std::uint64_t words[sizeof(kcov_remote_arg) / 8 + 1] = {};
  auto* const arg = new (words) kcov_remote_arg;
  arg->trace_mode = KCOV_TRACE_PC;
  arg->area_size = kBytes / 8;
  arg->num_handles = 1;
  arg->common_handle = 0;
  words[sizeof(kcov_remote_arg) / 8] = kHandle;
  return ioctl(fd, KCOV_REMOTE_ENABLE, words) == 0;
}

}  // namespace

int main() {
  for (const char* kind : {"failslab", "fail_page_alloc"}) {
    const std::string directory = std::string("/sys/kernel/debug/") + kind + "/";
    write_file((directory + "ignore-gfp-wait").c_str(), "N");
    write_file((directory + "verbose").c_str(), "0");
  }
  write_file("/sys/kernel/debug/fail_page_alloc/min-order", "0");
  write_file("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N");

  int fd = -1;
  const auto nothing = [] {};
  fail_each(
      "open", [&] { return (fd = open_kcov()) >= 0; }, nothing, [&] { close(fd); });

  fd = open_kcov();
  fail_each(
      "KCOV_INIT_TRACE", [&] { return initialize(fd); },
      [&] {
        expect(map(fd) == MAP_FAILED && errno == EINVAL, "still without a buffer");
        expect(ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC) < 0 && errno == EINVAL, "still disabled");
      },
      [&] {
        close(fd);
        fd = open_kcov();
      });

  expect(initialize(fd), "KCOV_INIT_TRACE");
  void* memory = nullptr;
  fail_each(
      "mmap", [&] { return (memory = map(fd)) != MAP_FAILED; },
      [&] { expect(!initialize(fd) && errno == EBUSY, "still initialised"); },
      [&] { munmap(memory, kBytes); });
  memory = map(fd);
  expect(memory != MAP_FAILED, "mmap");
  std::memset(memory, 0, kBytes);
  auto* const words = static_cast<volatile std::uint64_t*>(memory);

  fail_each(
      "KCOV_ENABLE", [&] { return ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC) == 0; }, nothing,
      [&] { expect(disable(fd), "KCOV_DISABLE"); });

  const int other = open_kcov();
  expect(initialize(other), "KCOV_INIT_TRACE of the other one");
  fail_each(
      "KCOV_REMOTE_ENABLE", [&] { return enable_remote(fd); },
      [&] {
        expect(!disable(fd) && errno == EINVAL, "still disabled");
        expect(enable_remote(other), "the handle is free");
        expect(disable(other), "KCOV_DISABLE of the other one");
      },
      [&] { expect(disable(fd), "KCOV_DISABLE"); });

  // A section that has no area to record into is lost, and counted.
  const int test = open("/sys/kernel/debug/kcov_test", O_RDWR);
  expect(test >= 0, "/sys/kernel/debug/kcov_test");
  kcov_test_program section{};
  section.count = 3;
  section.steps[0] = {KCOV_TEST_START, 0, kHandle};
  section.steps[1] = {KCOV_TEST_BLOCKS, 0, 2};
  section.steps[2] = {KCOV_TEST_STOP, 0, 0};
  expect(enable_remote(fd), "KCOV_REMOTE_ENABLE");
  std::uint64_t dropped_before = 0;
  expect(ioctl(fd, KCOV_GET_DROPPED, &dropped_before) == 0, "KCOV_GET_DROPPED");
  words[0] = 0;
  fail_each(
      "a section",
      [&] {
        expect(ioctl(test, KCOV_TEST_RUN, &section) == 0, "running a section");
        errno = ENOMEM;
        return words[0] != 0;
      },
      [&] {
        std::uint64_t dropped = 0;
        expect(ioctl(fd, KCOV_GET_DROPPED, &dropped) == 0, "KCOV_GET_DROPPED");
        expect(dropped == dropped_before + 1, "a lost section is counted");
        dropped_before = dropped;
      },
      [&] {
        words[0] = 0;
        // The next one is to allocate again.
        expect(disable(fd) && enable_remote(fd), "enabling again");
      });
  expect(disable(fd), "KCOV_DISABLE");
  std::puts("every failure left things as they were");
}
