// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What the rules are written with: expectations that count, a kcov file and its buffer as
// objects, and work that is recorded. A rule is a function that RULE() enters in the list.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "system.hpp"

namespace kcov::conformance {

struct Rule {
  int number;  // of docs/contract.md; 0: of no single rule
  const char* name;
  void (*body)();
};
std::vector<Rule>& rules();
struct Enter {
  Enter(int number, const char* name, void (*body)()) { rules().push_back({number, name, body}); }
};
#define RULE(number, name)                                                   \
  static void name();                                                        \
  static const ::kcov::conformance::Enter enter_##name(number, #name, name); \
  static void name()

// Counts a failure of the rule that runs, and prints it.
void expect_equal(long long found, long long expected, const char* what, const char* file,
                  int line);
#define EXPECT(found, expected)                                    \
  ::kcov::conformance::expect_equal(static_cast<long long>(found), \
                                    static_cast<long long>(expected), #found, __FILE__, __LINE__)
int failures();

// Says that a part of the rule cannot be seen on this system, and why.
void not_here(const char* reason);
// Says that stock, which is under test, does not keep the rule, and what it does.
void stock_differs(const char* how);

inline constexpr std::size_t kWords = 4096;

// An open file, closed at the end.
class File {
 public:
  explicit File(int flags = O_RDWR) : fd_(static_cast<int>(sys_open(flags | O_CLOEXEC))) {
    EXPECT(fd_ >= 0, true);
  }
  struct Adopt {};
  File(Adopt, int fd) : fd_(fd) {}
  ~File() { close(); }
  void close() {
    if (fd_ >= 0) sys_close(fd_);
    fd_ = -1;
  }
  int fd() const { return fd_; }
  long control(unsigned long command, unsigned long argument) const {
    return sys_ioctl(fd_, command, argument);
  }
  long init(unsigned long words = kWords) const { return control(KCOV_INIT_TRACE, words); }
  long enable(unsigned long mode = KCOV_TRACE_PC) const { return control(KCOV_ENABLE, mode); }
  long disable(unsigned long argument = 0) const { return control(KCOV_DISABLE, argument); }
  // Records dropped since INIT; the ioctl is ours alone.
  std::uint64_t dropped() const {
    std::uint64_t count = 0;
    EXPECT(control(KCOV_GET_DROPPED, reinterpret_cast<unsigned long>(&count)), 0);
    return count;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

 private:
  int fd_;
};

// A map of a file's buffer, or `error`.
class Map {
 public:
  explicit Map(const File& file, std::size_t bytes = kWords * 8,
               int protection = PROT_READ | PROT_WRITE, int flags = MAP_SHARED, off_t offset = 0,
               void* address = nullptr);
  ~Map();
  long error() const { return error_; }
  std::uint64_t load(std::size_t word) const {
    return __atomic_load_n(words() + word, __ATOMIC_RELAXED);
  }
  void store(std::size_t word, std::uint64_t value) const {
    __atomic_store_n(words() + word, value, __ATOMIC_RELAXED);
  }
  // Zeroes all of it, and so touches every page: this program's maps are filled in late,
  // and such a page fault would be recorded.
  void clear() const;
  void* memory() const { return memory_; }
  // Records whose PC lies in the tests' own instrumented code: in the first `count` PCs
  // (~0: as many as word 0 says).
  std::size_t own_pcs(std::size_t count = ~std::size_t{0}) const;
  // Records whose PC lies in `range`.
  std::size_t pcs_within(const kcov_test_range& range) const;
  Map(const Map&) = delete;
  Map& operator=(const Map&) = delete;

 private:
  std::uint64_t* words() const { return static_cast<std::uint64_t*>(memory_); }
  void* memory_;
  int error_;
  std::size_t bytes_;
};

// Whether a canonical PC is of the tests' own instrumented code.
bool is_own(std::uint64_t pc);

// Runs steps: 0 or -errno. `result` is that of common_handle().
long run(const Steps& steps, std::uint64_t* result = nullptr);
kcov_test_program program_of(const Steps& steps, bool asynchronous = false);

// Something that is recorded, and how many records of it are the tests' own.
void work();
std::size_t pcs_of_work();

// Memory that is in use: of a kernel, its whole machine's; else this process's.
long megabytes_in_use();

// Runs `body` in a child, or a thread; its value comes back.
int in_child(const std::function<int()>& body);
long in_thread(const std::function<long()>& body);

// Enables `file` for remote coverage.
struct RemoteArgument {
  std::vector<std::uint64_t> handles = {};
  std::uint64_t common = 0;
  std::uint32_t mode = KCOV_TRACE_PC;
  std::uint32_t area_size = kWords;
};
long remote_enable(const File& file, const RemoteArgument& argument);

// The same as the ioctl takes it, to be made wrong.
class RawArgument {
 public:
  explicit RawArgument(const RemoteArgument& argument);
  kcov_remote_arg& arg() { return *reinterpret_cast<kcov_remote_arg*>(words_.data()); }
  long enable(const File& file) const {
    return file.control(KCOV_REMOTE_ENABLE, reinterpret_cast<unsigned long>(words_.data()));
  }

 private:
  std::vector<std::uint64_t> words_;
};

inline std::uint64_t usb(std::uint64_t instance) {
  return kcov_remote_handle(KCOV_SUBSYSTEM_USB, instance);
}
inline std::uint64_t common(std::uint64_t instance) {
  return kcov_remote_handle(KCOV_SUBSYSTEM_COMMON, instance);
}

}  // namespace kcov::conformance
