// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A kcov under test, whichever it is: a kernel's, through its files, or the user-space
// port's, through <kcov/host.h>. The rules are written once, against this.
#pragma once

#include <kcov/uapi.h>
#include <sys/mman.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "port/linux/test/kcov_test.h"

namespace kcov::conformance {

// What is under test, as the command line says, and the program's build.
struct Subject {
  bool stock = false;  // the kernel's own kcov: other behaviour where ours differs on purpose
  bool host;           // the user-space port
  bool preloaded;      // that by the kernel's calls
};
extern Subject subject;

// The system calls on a kcov file. Results are values or -errno.
long sys_open(int flags);
long sys_close(int fd);
long sys_ioctl(int fd, unsigned long command, unsigned long argument);
long sys_read(int fd, void* bytes, std::size_t count);
long sys_write(int fd, const void* bytes, std::size_t count);
long sys_lseek(int fd, off_t offset);
long sys_pread(int fd, void* bytes, std::size_t count);
// The address, or MAP_FAILED and errno.
void* sys_mmap(void* address, std::size_t length, int protection, int flags, int fd, off_t offset);

// Instrumented code in a context of choice (port/linux/test/kcov_test.h): the kernel's
// test file, or the same steps run by threads and signal handlers.
class TestFile {
 public:
  TestFile();
  ~TestFile();
  // 0 or -errno. -EOPNOTSUPP: this system has no such context.
  long run(kcov_test_program& program);
  long arrived();
  long open_gate();
  long join();
  // Where the instrumented code's records come from, and where none may come from.
  static kcov_test_ranges ranges();
  TestFile(const TestFile&) = delete;
  TestFile& operator=(const TestFile&) = delete;

 private:
  void* state_;
};

// How many warnings kcov has given since the last call of it: in the kernel's log, or on
// standard error.
int warnings();

// Steps, written as they nest.
class Steps {
 public:
  Steps() = default;
  Steps(std::initializer_list<Steps> parts) {
    for (const Steps& part : parts) append(part);
  }
  const std::vector<kcov_test_step>& list() const { return steps_; }

  static Steps one(std::uint32_t op, std::uint64_t argument = 0, std::uint32_t count = 0) {
    Steps steps;
    steps.steps_.push_back({op, count, argument});
    return steps;
  }
  void append(const Steps& other) {
    steps_.insert(steps_.end(), other.steps_.begin(), other.steps_.end());
  }

 private:
  std::vector<kcov_test_step> steps_;
};

inline Steps blocks(std::uint64_t rounds) { return Steps::one(KCOV_TEST_BLOCKS, rounds); }
inline Steps compare() { return Steps::one(KCOV_TEST_COMPARE); }
inline Steps start(std::uint64_t handle) { return Steps::one(KCOV_TEST_START, handle); }
inline Steps stop() { return Steps::one(KCOV_TEST_STOP); }
inline Steps common_handle() { return Steps::one(KCOV_TEST_HANDLE); }
inline Steps gate() { return Steps::one(KCOV_TEST_GATE); }
inline Steps sleep_for(std::uint64_t milliseconds) {
  return Steps::one(KCOV_TEST_SLEEP, milliseconds);
}
inline Steps enter(kcov_test_context context, const Steps& inner) {
  Steps steps =
      Steps::one(KCOV_TEST_ENTER, context, static_cast<std::uint32_t>(inner.list().size()));
  steps.append(inner);
  return steps;
}

}  // namespace kcov::conformance
