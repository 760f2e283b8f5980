// SPDX-License-Identifier: GPL-2.0-only OR MIT
// BANNER: never instrumented; the system calls themselves, since the library's functions of
// these names may be a sanitizer's or our own (preload/interpose.cpp).
#include "port/host/own_memory.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace kcov::host {

namespace {

constexpr const char* kPath = "/proc/self/mem";

// Out of the way of programs that count on the numbers they get.
constexpr int kLeastNumber = 200;

struct Kept {
  int fd = -1;
  long process = 0;  // whose memory it is
  dev_t device = 0;
  ino_t inode = 0;
};
constinit Kept kept;

bool look_at(int fd, struct stat& status) noexcept { return syscall(SYS_fstat, fd, &status) == 0; }

bool is_kept() noexcept {
  struct stat status;
  return kept.fd >= 0 && kept.process == syscall(SYS_getpid) && look_at(kept.fd, status) &&
         status.st_dev == kept.device && status.st_ino == kept.inode;
}

// What it is goes to `status`, from the number that it has first: somebody else may give the other
// one to a file of his at once.
int open_it(struct stat& status) noexcept {
  const auto fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, kPath, O_RDWR | O_CLOEXEC));
  if (fd < 0 || !look_at(fd, status)) return -1;
  const auto moved = static_cast<int>(syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, kLeastNumber));
  if (moved < 0) return fd;
  syscall(SYS_close, fd);
  return moved;
}

}  // namespace

OwnMemory::OwnMemory() noexcept : fd_(kept.fd) {
  if (is_kept()) return;
  struct stat status {};
  fd_ = open_it(status);
  own_ = fd_ >= 0;
  if (!own_) error_ = errno;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

OwnMemory::~OwnMemory() {
  if (own_) syscall(SYS_close, fd_);
}

bool OwnMemory::is_intact() const noexcept {
  struct stat status;
  if (!own_) return is_kept();
  return look_at(fd_, status) && status.st_dev == device_ && status.st_ino == inode_;
}

std::size_t OwnMemory::read(std::uintptr_t address, void* to, std::size_t bytes) const noexcept {
  const long count = syscall(SYS_pread64, fd_, to, bytes, address);
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

bool OwnMemory::write(std::uintptr_t address, const void* from, std::size_t bytes) const noexcept {
  return syscall(SYS_pwrite64, fd_, from, bytes, address) == static_cast<long>(bytes);
}

int OwnMemory::keep() noexcept {
  if (is_kept()) return 0;
  const long process = syscall(SYS_getpid);
  if (kept.fd >= 0 && kept.process != process) return EPERM;
  struct stat status {};
  const int fd = open_it(status);
  if (fd < 0) return errno;
  kept = {fd, process, status.st_dev, status.st_ino};
  return 0;
}

void OwnMemory::drop() noexcept {
  if (is_kept()) syscall(SYS_close, kept.fd);
  kept = {};
}

void OwnMemory::drop_parents() noexcept {
  kept.process = syscall(SYS_getpid);
  drop();
}

}  // namespace kcov::host
