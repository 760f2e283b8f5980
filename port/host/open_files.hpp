// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The kcov files that this process has open, found by the inode of their file
// descriptor, so that descriptors made by dup() are the same file by nature.
//
// Each entry is pinned once for being open, once for each call in progress (a
// thread may close a descriptor while another is in an ioctl of it) and once for each
// binding of a thread: one that traces into it may go on doing so (contract 30), one
// that enabled it for remote coverage stands for it, one in a section merges into it.
// With the last pin goes what this process has mapped for the file: its area and its
// descriptor.
#pragma once

#include <sys/types.h>

#include "port/host/area.hpp"
#include "port/host/host_port.hpp"
#include "port/host/uninterrupted.hpp"

namespace kcov::host {

struct OpenFile;

}  // namespace kcov::host

struct stat;

namespace kcov::host {

// The file behind `fd`, pinned; empty when `fd` is none of ours.
class PinnedFile {
 public:
  explicit PinnedFile(int fd) noexcept;
  // The one that `status` is of.
  explicit PinnedFile(const struct stat& status) noexcept;
  ~PinnedFile();
  explicit operator bool() const noexcept { return file_ != nullptr; }
  HostDescriptor& descriptor() const noexcept;
  // KCOV_INIT_TRACE, with `fd` a descriptor of the file that can be written to. 0 or
  // a negative errno.
  int initialize(int fd, std::uintptr_t words) const noexcept;
  // The calling thread has just bound itself to the file, by KCOV_ENABLE or
  // KCOV_REMOTE_ENABLE: pins it until unpin_ended() finds that it is over.
  void pin_bound() const noexcept;
  // Whether `fd` is (still) a descriptor of this file: another thread may have
  // closed it, and the system given its number to another file.
  bool is_at(int fd) const noexcept;
  // Ends the entry if no descriptor of this process is left for it. To be called
  // by whoever held a descriptor of its own while another thread may have closed
  // the program's last one.
  void retire_if_closed() const noexcept;
  PinnedFile(const PinnedFile&) = delete;
  PinnedFile& operator=(const PinnedFile&) = delete;

 private:
  void pin(const struct stat& status) noexcept;

  // First to begin and last to end: what is pinned, locked and opened is let go.
  Uninterrupted uninterrupted_;
  OpenFile* file_;
};

// Keeps fork() out, for whoever has descriptors of the library's own: a child would have
// them for ever. To be taken Uninterrupted, and before anything of a PinnedFile is called.
class NoFork {
 public:
  NoFork() noexcept;
  ~NoFork();
  NoFork(const NoFork&) = delete;
  NoFork& operator=(const NoFork&) = delete;
};

// Takes back the calling thread's pins of bindings that are no more.
void unpin_ended() noexcept;

// kcov_host_remote_start(): a section, with its pin.
void start_section(std::uint64_t handle) noexcept;

// Enters `descriptor`, with its `area`, as the file behind `fd`: false when there is
// no memory.
bool add_file(int fd, HostDescriptor* descriptor, const LocalArea& area) noexcept;

// close(fd) of a descriptor of the library's own, of whatever file it is. If that is one of ours,
// whoever closed it meanwhile has found it open still, by this very descriptor.
void close_own(int fd) noexcept;

// close(fd), and if no descriptor of this process is left for its file, the
// entry's end. 0, or -1 and errno.
int close_file(int fd) noexcept;

// Around fork(): the child has every file that is open (contract 1).
void files_before_fork() noexcept;
void files_after_fork_in_parent() noexcept;
void files_after_fork_in_child() noexcept;

}  // namespace kcov::host
