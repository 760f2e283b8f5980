// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What the tests of the user-space port share: a descriptor and its buffer as
// objects, the traced code, and what the process has mapped.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <kcov/host.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <vector>

extern "C" {
void gcc_run(unsigned times);
unsigned gcc_choose(int way);
void clang_run(unsigned times);
unsigned clang_choose(int way);
}

namespace kcov::test {

// One compiler's traced code; `name` is null where the compiler is not installed.
struct Traced {
  const char* name;
  void (*run)(unsigned);
  unsigned (*choose)(int);
};
inline constexpr Traced kTraced[] = {
#ifdef KCOV_TRACED_GCC
    {"gcc", gcc_run, gcc_choose},
#endif
#ifdef KCOV_TRACED_CLANG
    {"clang", clang_run, clang_choose},
#endif
};
// What most tests run: any will do.
inline void run(unsigned times) { kTraced[0].run(times); }

inline constexpr unsigned long kPageWords = 512;
// Of a buffer that is large enough for most tests.
inline constexpr unsigned long kWords = kPageWords;

// An open descriptor, closed at the end unless close() was before.
class File {
 public:
  explicit File(int flags = O_RDWR) : fd_(kcov_host_open(flags)) { EXPECT_GE(fd_, 0); }
  ~File() {
    if (fd_ >= 0) kcov_host_close(fd_);
  }
  int fd() const { return fd_; }
  // 0 or errno.
  int ioctl(unsigned long command, unsigned long argument = 0) const {
    return kcov_host_ioctl(fd_, command, argument) == 0 ? 0 : errno;
  }
  int init(unsigned long words) const { return ioctl(KCOV_INIT_TRACE, words); }
  int enable(unsigned long mode = KCOV_TRACE_PC) const { return ioctl(KCOV_ENABLE, mode); }
  int disable(unsigned long argument = 0) const { return ioctl(KCOV_DISABLE, argument); }
  std::uint64_t dropped() const {
    std::uint64_t count = ~0ull;
    EXPECT_EQ(0, ioctl(KCOV_GET_DROPPED, reinterpret_cast<unsigned long>(&count)));
    return count;
  }
  int close() {
    const int result = kcov_host_close(fd_) == 0 ? 0 : errno;
    fd_ = -1;
    return result;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

 private:
  int fd_;
};

// A map of the buffer, or `error` and no words.
class Map {
 public:
  Map(int fd, unsigned long words, int protection = PROT_READ | PROT_WRITE, int flags = MAP_SHARED,
      off_t offset = 0, void* address = nullptr)
      : bytes_(words * 8) {
    void* const at = kcov_host_mmap(address, bytes_, protection, flags, fd, offset);
    if (at == MAP_FAILED) {
      error_ = errno;
    } else {
      words_ = static_cast<std::uint64_t*>(at);
    }
  }
  ~Map() { unmap(); }
  void unmap() {
    if (words_ != nullptr) kcov_host_munmap(words_, bytes_);
    words_ = nullptr;
  }
  int error() const { return error_; }
  std::uint64_t* words() const { return words_; }
  std::uint64_t at(std::size_t index) const {
    return __atomic_load_n(&words_[index], __ATOMIC_RELAXED);
  }
  std::uint64_t count() const { return at(0); }
  // Not inlined: gcc 12 would warn of the store through a map that failed.
  [[gnu::noinline]] void set(std::size_t index, std::uint64_t value) const {
    __atomic_store_n(&words_[index], value, __ATOMIC_RELAXED);
  }
  Map(const Map&) = delete;
  Map& operator=(const Map&) = delete;

 private:
  std::size_t bytes_;
  std::uint64_t* words_ = nullptr;
  int error_ = 0;
};

// Runs `body` in a forked child; its value is the child's exit status, 0 to 255,
// and 1000 plus the signal that killed it.
inline int in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  EXPECT_EQ(child, waitpid(child, &status, 0));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

// How many maps of this process's memory have `what` in their name: "memfd:kcov"
// for areas, the program's maps of them included.
inline int maps_of(const char* what) {
  FILE* const maps = std::fopen("/proc/self/maps", "re");
  int found = 0;
  char line[4096];
  while (std::fgets(line, sizeof line, maps) != nullptr)
    found += std::strstr(line, what) != nullptr;
  std::fclose(maps);
  return found;
}

// Areas of kcov, and pages of descriptors.
struct Memory {
  int areas = maps_of("memfd:kcov");
  int descriptors = maps_of("/dev/zero (deleted)");
  bool operator==(const Memory&) const = default;
};
inline void PrintTo(const Memory& memory, std::ostream* out) {
  *out << memory.areas << " areas, " << memory.descriptors << " descriptors";
}

}  // namespace kcov::test
