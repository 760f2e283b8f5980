// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The calls of <kcov/host.h>: from a file descriptor to the core and back.
//
// The file descriptor is a memfd: empty until KCOV_INIT_TRACE, then exactly the
// buffer. Opened once more for reading or writing only where the program asks
// for that, it lets the system itself refuse the maps that it should refuse
// (contract 3).
#include <errno.h>
#include <fcntl.h>
#include <kcov/host.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port/host/open_files.hpp"
#include "port/host/uninterrupted.hpp"

namespace {

using kcov::host::HostDescriptor;
using kcov::host::LocalArea;
using kcov::host::PinnedFile;

int fail(int error) noexcept {
  errno = error;
  return -1;
}

// A result of the core as a system call's.
int answer(int result) noexcept { return result < 0 ? fail(-result) : result; }

int open_again(int fd, int flags) noexcept {
  char path[40];
  snprintf(path, sizeof path, "/proc/thread-self/fd/%d", fd);
  return open(path, flags);
}

int access_mode(int fd) noexcept { return fcntl(fd, F_GETFL) & O_ACCMODE; }

// A descriptor of our own of the file behind `fd`: what is looked at is what is used,
// whatever other threads do to the program's number meanwhile.
class OwnDescriptor {
 public:
  // What open(fd) answers; -1 and errno are kept. EBADF: it is of another file.
  OwnDescriptor(const PinnedFile& file, int fd, int (*open)(int)) noexcept : fd_(open(fd)) {
    if (fd_ < 0 || file.is_at(fd_)) return;
    kcov::host::close_own(fd_);
    fd_ = fail(EBADF);
  }
  ~OwnDescriptor() {
    if (fd_ < 0) return;
    const int error = errno;
    kcov::host::close_own(fd_);
    errno = error;
  }
  int fd() const noexcept { return fd_; }
  OwnDescriptor(const OwnDescriptor&) = delete;
  OwnDescriptor& operator=(const OwnDescriptor&) = delete;

 private:
  kcov::host::NoFork no_fork_;
  int fd_;
};

int duplicate(int fd) noexcept { return fcntl(fd, F_DUPFD_CLOEXEC, 0); }

// Whatever the mode of `fd` is.
int open_writable(int fd) noexcept {
  return access_mode(fd) == O_RDWR ? duplicate(fd) : open_again(fd, O_RDWR | O_CLOEXEC);
}

// A file for a descriptor, open as `flags` say and mapped as `area`; or -1 and errno.
int make_file(int flags, LocalArea& area) noexcept {
  const int fd = memfd_create("kcov", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -1;
  // A buffer never shrinks under the feet of those who map it.
  if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) != 0 || fchmod(fd, 0600) != 0 || !map_area(area, fd)) {
    const int error = errno;
    close(fd);
    return fail(error);
  }
  if ((flags & O_ACCMODE) == O_RDWR) {
    if ((flags & O_CLOEXEC) == 0) fcntl(fd, F_SETFD, 0);
    return fd;
  }
  const int restricted = open_again(fd, flags & (O_ACCMODE | O_CLOEXEC));
  const int error = errno;
  close(fd);
  if (restricted >= 0) return restricted;
  unmap_area(area);
  return fail(error);
}

// Whether INIT has succeeded: it seals the file.
bool has_buffer(int fd) noexcept {
  const int seals = fcntl(fd, F_GET_SEALS);
  return seals >= 0 && (seals & F_SEAL_GROW) != 0;
}

int initialize(const PinnedFile& pinned, int fd, unsigned long words) noexcept {
  const OwnDescriptor file(pinned, fd, open_writable);
  if (file.fd() >= 0) return answer(pinned.initialize(file.fd(), words));
  const int error = errno;
  if (error == EBADF) return -1;
  // No descriptor is to be had, and so no memory. But what is wrong with the request itself
  // comes first (contract 5-6), as where there is one.
  constexpr int kNoFile = INT_MAX;
  const int result = pinned.initialize(kNoFile, words);
  if (result != -ENOMEM) return answer(result);
  return fail(has_buffer(fd) ? EBUSY : error);
}

// KCOV_ENABLE or KCOV_REMOTE_ENABLE. A thread that nothing would unbind (it is not
// `watched`) is as good as one that is bound for ever: EBUSY, but the errors that come
// before that one still do (contract 12, 20).
int enable(const PinnedFile& pinned, std::uint32_t command, unsigned long argument,
           bool watched) noexcept {
  const int result = pinned.descriptor().control(command, argument);
  if (result == 0 && !watched) {
    (void)pinned.descriptor().control(KCOV_DISABLE, 0);
    return fail(EBUSY);
  }
  if (result == 0) pinned.pin_bound();
  return answer(result);
}

int disable(const PinnedFile& pinned, unsigned long argument) noexcept {
  const int result = pinned.descriptor().control(KCOV_DISABLE, argument);
  if (result == 0) kcov::host::unpin_ended();
  return answer(result);
}

// Whether the system will let a file of this access mode be mapped so. It will see
// to that itself, but it looks at this before it asks the driver.
bool may_map(int fd, int protection, int flags) noexcept {
  const int mode = access_mode(fd);
  const bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
  if (mode == O_WRONLY) return false;
  return mode == O_RDWR || !shared || (protection & PROT_WRITE) == 0;
}

ssize_t no_transfer(int fd, int refused_mode) noexcept {
  PinnedFile file(fd);
  return fail(!file || access_mode(fd) == refused_mode ? EBADF : EINVAL);
}

int no_position(int fd) noexcept {
  PinnedFile file(fd);
  return fail(file ? ESPIPE : EBADF);
}

}  // namespace

int kcov_host_open(int flags) {
  kcov::host::start_descriptors();
  const kcov::host::Uninterrupted uninterrupted;
  LocalArea area;
  const int fd = make_file(flags, area);
  if (fd < 0) return -1;
  HostDescriptor* const descriptor = HostDescriptor::open();
  if (descriptor != nullptr && kcov::host::add_file(fd, descriptor, area)) return fd;
  if (descriptor != nullptr) descriptor->close();
  unmap_area(area);
  close(fd);
  return fail(ENOMEM);
}

int kcov_host_ioctl(int fd, unsigned long command, unsigned long argument) {
  PinnedFile file(fd);
  if (!file) return fail(EBADF);
  const bool watched = kcov::host::watch_thread_exit();
  // As the system's ioctl(), which drops the upper half of the command.
  const auto number = static_cast<std::uint32_t>(command);
  switch (number) {
    case KCOV_INIT_TRACE: return initialize(file, fd, argument);
    case KCOV_ENABLE:
    case KCOV_REMOTE_ENABLE: return enable(file, number, argument, watched);
    case KCOV_DISABLE: return disable(file, argument);
    default: return answer(file.descriptor().control(number, argument));
  }
}

void* kcov_host_mmap(void* address, size_t length, int protection, int flags, int fd,
                     off_t offset) {
  PinnedFile file(fd);
  if (!file) {
    errno = EBADF;
    return MAP_FAILED;
  }
  const OwnDescriptor own(file, fd, duplicate);
  if (own.fd() < 0 && errno == EBADF) return MAP_FAILED;
  // Where no number is left for it, the program's own.
  const int looked_at = own.fd() < 0 ? fd : own.fd();
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t whole = (length + page - 1) / page * page;
  kcov::Mapping mapping;
  const int error = may_map(looked_at, protection, flags)
                        ? -file.descriptor().map(static_cast<std::uint64_t>(offset), whole, mapping)
                        : EACCES;
  if (error == 0) return mmap(address, length, protection, flags, looked_at, offset);
  errno = error;
  return MAP_FAILED;
}

int kcov_host_munmap(void* address, size_t length) { return munmap(address, length); }

ssize_t kcov_host_read(int fd, void*, size_t) { return no_transfer(fd, O_WRONLY); }
ssize_t kcov_host_write(int fd, const void*, size_t) { return no_transfer(fd, O_RDONLY); }
off_t kcov_host_lseek(int fd, off_t, int) { return no_position(fd); }
ssize_t kcov_host_pread(int fd, void*, size_t, off_t) { return no_position(fd); }
ssize_t kcov_host_pwrite(int fd, const void*, size_t, off_t) { return no_position(fd); }

void kcov_host_remote_start(std::uint64_t handle) {
  // The core ignores it there (contract 34); and the thread may hold our locks.
  if (kcov::host::in_handler()) return kcov::section_start<kcov::host::HostPort>(handle);
  kcov::host::start();
  // A thread that nothing would take out of its section again is not let in.
  const kcov::host::Uninterrupted uninterrupted;
  if (kcov::host::watch_thread_exit()) kcov::host::start_section(handle);
}

void kcov_host_remote_stop(void) {
  if (kcov::host::in_handler()) return;
  const kcov::host::Uninterrupted uninterrupted;
  kcov::section_stop<kcov::host::HostPort>();
  kcov::host::unpin_ended();
}

std::uint64_t kcov_host_common_handle(void) { return kcov::common_handle<kcov::host::HostPort>(); }

int kcov_host_close(int fd) { return kcov::host::close_file(fd); }
