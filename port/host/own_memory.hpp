// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The process's own memory as the file /proc/self/mem, which writes to code that is mapped
// for reading and executing only: no page is ever writable and executable, and reading what is
// not mapped is an error instead of a signal.
//
// A descriptor of it is kept while calls are dormant (sites.hpp), because when they are to be
// made again there may be no number left, or no /proc in sight. The number is the program's to
// close and to give to another file, and a process that was forked behind our back has its
// parent's memory there: so each use begins with a look at what it is.
//
// Safe in signal handlers; changes errno. Who may call: one thread at a time (sites.hpp).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace kcov::host {

class OwnMemory {
 public:
  // The kept descriptor, or where it is gone one of its own for as long as this lives.
  OwnMemory() noexcept;
  ~OwnMemory();
  // 0, or the errno that opening it failed with; then nothing can be read or written.
  int error() const noexcept { return error_; }
  // Whether the number is this file's still: if not, what was read may be another's.
  bool is_intact() const noexcept;

  // How many bytes from `address` on could be read.
  std::size_t read(std::uintptr_t address, void* to, std::size_t bytes) const noexcept;
  // Whether all were written.
  bool write(std::uintptr_t address, const void* from, std::size_t bytes) const noexcept;

  // Opens the one that is kept, unless it is: 0 or errno. Not in a child of vfork(), which
  // has its parent's variables and other descriptors: EPERM.
  static int keep() noexcept;
  static void drop() noexcept;
  // In a forked child, whose inherited descriptor is of its parent's memory.
  static void drop_parents() noexcept;

  OwnMemory(const OwnMemory&) = delete;
  OwnMemory& operator=(const OwnMemory&) = delete;

 private:
  int fd_;
  int error_ = 0;
  bool own_ = false;
  dev_t device_ = 0;  // of one of its own
  ino_t inode_ = 0;
};

}  // namespace kcov::host
