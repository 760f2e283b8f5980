// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The running kernel's kcov.
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>
#include <kcov/device.hpp>

#include "system.hpp"

namespace kcov::conformance {

Subject subject{.host = false, .preloaded = false};
namespace {

long result_of(long value) { return value < 0 ? -errno : value; }

long test_ioctl(void* state, unsigned long command, void* argument = nullptr) {
  return result_of(::ioctl(*static_cast<int*>(state), command, argument));
}

}  // namespace

long sys_open(int flags) { return result_of(::open(kDevicePath, flags)); }
long sys_close(int fd) { return result_of(::close(fd)); }
long sys_ioctl(int fd, unsigned long command, unsigned long argument) {
  return result_of(::ioctl(fd, command, argument));
}
long sys_read(int fd, void* bytes, std::size_t count) {
  return result_of(::read(fd, bytes, count));
}
long sys_write(int fd, const void* bytes, std::size_t count) {
  return result_of(::write(fd, bytes, count));
}
long sys_lseek(int fd, off_t offset) { return result_of(::lseek(fd, offset, SEEK_SET)); }
long sys_pread(int fd, void* bytes, std::size_t count) {
  return result_of(::pread(fd, bytes, count, 0));
}
void* sys_mmap(void* address, std::size_t length, int protection, int flags, int fd, off_t offset) {
  return ::mmap(address, length, protection, flags, fd, offset);
}

TestFile::TestFile() : state_(new int(::open("/sys/kernel/debug/kcov_test", O_RDWR | O_CLOEXEC))) {}
TestFile::~TestFile() {
  ::close(*static_cast<int*>(state_));
  delete static_cast<int*>(state_);
}
long TestFile::run(kcov_test_program& program) {
  return test_ioctl(state_, KCOV_TEST_RUN, &program);
}
long TestFile::arrived() { return test_ioctl(state_, KCOV_TEST_ARRIVED); }
long TestFile::open_gate() { return test_ioctl(state_, KCOV_TEST_OPEN); }
long TestFile::join() { return test_ioctl(state_, KCOV_TEST_JOIN); }

kcov_test_ranges TestFile::ranges() {
  TestFile file;
  kcov_test_ranges ranges{};
  test_ioctl(file.state_, KCOV_TEST_RANGES, &ranges);
  return ranges;
}

int warnings() {
  // Opened once, so that each call reads on from where the last one ended.
  static const int log = [] {
    const int fd = ::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ::lseek(fd, 0, SEEK_END);
    return fd;
  }();
  int found = 0;
  char record[8192];
  ssize_t n;
  while ((n = ::read(log, record, sizeof record - 1)) > 0 || (n < 0 && errno == EPIPE)) {
    if (n < 0) continue;  // older records were overwritten meanwhile
    record[n] = '\0';
    found += std::strstr(record, "WARNING: ") != nullptr;
  }
  return found;
}

}  // namespace kcov::conformance
