// SPDX-License-Identifier: GPL-2.0-only OR MIT
// libkcov_preload.so: the user-space kcov for programs that know only of a kernel's.
//
// Preloaded, it defines what such a program calls: open() of /sys/kernel/debug/kcov gives
// a descriptor of <kcov/host.h>, and the calls on that go where they belong. Everything
// else goes to the next definition as it came. What that costs: on a file descriptor, a
// test of one bit; for ioctls of kcov's group and maps of files, once there is a kcov
// descriptor, a look at the file, and twice blocking signals meanwhile.
//
// The library's own code calls these functions too, and means the system's: it runs
// Inside, where they pass everything on.
#undef _FORTIFY_SOURCE  // its declarations are in the way of our definitions
#include <errno.h>
#include <fcntl.h>
#include <kcov/host.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "port/host/errno_kept.hpp"
#include "port/host/open_files.hpp"
#include "port/host/preload/next.hpp"
#include "port/host/preload/numbers.hpp"
#include "port/host/uninterrupted.hpp"

// What programs call that are compiled with _FORTIFY_SOURCE.
extern "C" {
int __open_2(const char* path, int flags);
int __open64_2(const char* path, int flags);
int __openat_2(int directory, const char* path, int flags);
int __openat64_2(int directory, const char* path, int flags);
ssize_t __read_chk(int fd, void* bytes, size_t count, size_t room);
ssize_t __pread_chk(int fd, void* bytes, size_t count, off_t offset, size_t room);
ssize_t __pread64_chk(int fd, void* bytes, size_t count, off_t offset, size_t room);
}

// All of them. What is here is in exports.map as well.
// clang-format off
#define KCOV_INTERPOSED(DO) \
  DO(open) DO(open64) DO(openat) DO(openat64) DO(__open_2) DO(__open64_2) DO(__openat_2) \
  DO(__openat64_2) DO(close) DO(dup) DO(dup2) DO(dup3) DO(fcntl) DO(fcntl64) DO(recvmsg) \
  DO(ioctl) DO(mmap) DO(mmap64) DO(read) DO(readv) DO(write) DO(writev) DO(__read_chk) \
  DO(pread) DO(pread64) DO(preadv) DO(preadv64) DO(__pread_chk) DO(__pread64_chk) DO(pwrite) \
  DO(pwrite64) DO(pwritev) DO(pwritev64) DO(lseek) DO(lseek64)
// clang-format on

namespace kcov::host {

namespace {

// That an argument is never null, say, is of no use to us.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"
#define KCOV_DEFINE_NEXT(name) constinit Next<decltype(::name)> next_##name{#name};
KCOV_INTERPOSED(KCOV_DEFINE_NEXT)
#pragma GCC diagnostic pop

constinit Numbers numbers;

// The process that the table of open files is about. A child of vfork() has its parent's
// memory and files of its own: what it closes must not end the parent's.
pid_t owner = 0;

void take_ownership() { owner = getpid(); }

[[gnu::constructor(101)]] void find_all() {
#define KCOV_FIND_NEXT(name) next_##name.find();
  KCOV_INTERPOSED(KCOV_FIND_NEXT)
  take_ownership();
  pthread_atfork(nullptr, nullptr, take_ownership);
}

// The calling thread runs the library's own code.
constinit thread_local bool is_inside [[gnu::tls_model("initial-exec")]] = false;

class Inside {
 public:
  Inside() noexcept { is_inside = true; }
  ~Inside() { is_inside = false; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  // A handler's calls are the program's own.
  kcov::host::Uninterrupted uninterrupted_;
};

// Whether `fd` is a kcov descriptor, asked of the system.
bool is_kcov(int fd) noexcept {
  if (is_inside) return false;
  const ErrnoKept kept;
  const Inside inside;
  const bool ours = static_cast<bool>(PinnedFile(fd));
  if (ours) numbers.add(fd);
  return ours;
}

// The same for calls that most programs make all the time.
bool is_marked_kcov(int fd) noexcept { return numbers.may_have(fd) && is_kcov(fd); }

// The path of a kernel's kcov. "//" and "/./" are "/", as they are to the system.
bool is_kcov_path(const char* path) noexcept {
  for (const char* expected = "/sys/kernel/debug/kcov"; *expected != '\0'; ++expected) {
    if (*path != *expected) return false;
    ++path;
    if (*expected == '/')
      while (*path == '/' || (*path == '.' && path[1] == '/')) ++path;
  }
  return *path == '\0';
}

// Whether the system can only have failed like this after it read all of the path.
bool was_read(int error) noexcept {
  return error == ENOENT || error == EACCES || error == EPERM || error == ENOTDIR;
}

// The answer to an open() that the system has answered with `fd`. The system comes first
// because it alone can read a path that may not be there. A kernel's kcov that it opened
// is closed again.
int answer_open(int fd, const char* path, int flags) noexcept {
  if (fd < 0 && !was_read(errno)) return fd;
  if (is_inside || !is_kcov_path(path)) return fd;
  const Inside inside;
  if (fd >= 0) next_close(fd);
  const int ours = kcov_host_open(flags);
  if (ours >= 0) numbers.add(ours);
  return ours;
}

// `result` is a new number of `fd`, or -1.
int answer_dup(int result, int fd) noexcept {
  if (result >= 0 && is_marked_kcov(fd)) numbers.add(result);
  return result;
}

// dup2() or dup3() of `from` onto `to`, which `call` makes: it closes what `to` was.
template <typename Call>
int dup_onto(int from, int to, Call call) noexcept {
  if (!numbers.any() || from == to || to < 0 || is_inside) return call();
  if (is_marked_kcov(from)) numbers.add(to);
  if (!numbers.may_have(to) || getpid() != owner) return call();
  const Inside inside;
  const int before = errno;
  const PinnedFile replaced(to);
  errno = before;
  const int result = call();
  if (result >= 0 && replaced) {
    const ErrnoKept kept;
    replaced.retire_if_closed();
  }
  return result;
}

// A message may have brought descriptors of ours, from this process or its kin.
void look_for_descriptors(const msghdr& message) noexcept {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(const_cast<msghdr*>(&message), part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const unsigned char* const data = CMSG_DATA(part);
    const std::size_t bytes = part->cmsg_len - CMSG_LEN(0);
    for (std::size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
      int fd;
      __builtin_memcpy(&fd, data + at, sizeof fd);
      (void)is_kcov(fd);
    }
  }
}

template <typename Call>
void* map(Call next_map, void* address, size_t length, int protection, int flags, int fd,
          off_t offset) noexcept {
  if (fd < 0 || !numbers.any() || (flags & MAP_ANONYMOUS) != 0 || !is_kcov(fd))
    return next_map(address, length, protection, flags, fd, offset);
  const Inside inside;
  return kcov_host_mmap(address, length, protection, flags, fd, offset);
}

}  // namespace

}  // namespace kcov::host

using namespace kcov::host;

// The mode that follows the flags, or whatever is there where none does: it goes on as it
// came.
#define KCOV_TAKE_MODE(flags)               \
  va_list list;                             \
  va_start(list, flags);                    \
  const mode_t mode = va_arg(list, mode_t); \
  va_end(list)

int open(const char* path, int flags, ...) {
  KCOV_TAKE_MODE(flags);
  return answer_open(next_open(path, flags, mode), path, flags);
}
int open64(const char* path, int flags, ...) {
  KCOV_TAKE_MODE(flags);
  return answer_open(next_open64(path, flags, mode), path, flags);
}
int openat(int directory, const char* path, int flags, ...) {
  KCOV_TAKE_MODE(flags);
  return answer_open(next_openat(directory, path, flags, mode), path, flags);
}
int openat64(int directory, const char* path, int flags, ...) {
  KCOV_TAKE_MODE(flags);
  return answer_open(next_openat64(directory, path, flags, mode), path, flags);
}
int __open_2(const char* path, int flags) {
  return answer_open(next___open_2(path, flags), path, flags);
}
int __open64_2(const char* path, int flags) {
  return answer_open(next___open64_2(path, flags), path, flags);
}
int __openat_2(int directory, const char* path, int flags) {
  return answer_open(next___openat_2(directory, path, flags), path, flags);
}
int __openat64_2(int directory, const char* path, int flags) {
  return answer_open(next___openat64_2(directory, path, flags), path, flags);
}

int close(int fd) {
  if (!numbers.may_have(fd) || is_inside || getpid() != owner) return next_close(fd);
  const bool ours = is_kcov(fd);
  numbers.remove(fd);
  if (!ours) return next_close(fd);
  const Inside inside;
  return kcov_host_close(fd);
}

int dup(int fd) noexcept { return answer_dup(next_dup(fd), fd); }
int dup2(int from, int to) noexcept {
  return dup_onto(from, to, [&] { return next_dup2(from, to); });
}
int dup3(int from, int to, int flags) noexcept {
  return dup_onto(from, to, [&] { return next_dup3(from, to, flags); });
}

#define KCOV_TAKE_ARGUMENT(after)             \
  va_list list;                               \
  va_start(list, after);                      \
  void* const argument = va_arg(list, void*); \
  va_end(list)

int fcntl(int fd, int command, ...) {
  KCOV_TAKE_ARGUMENT(command);
  const int result = next_fcntl(fd, command, argument);
  return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? answer_dup(result, fd) : result;
}
int fcntl64(int fd, int command, ...) {
  KCOV_TAKE_ARGUMENT(command);
  const int result = next_fcntl64(fd, command, argument);
  return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? answer_dup(result, fd) : result;
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  const ssize_t result = next_recvmsg(fd, message, flags);
  if (result >= 0 && numbers.any() && message->msg_controllen != 0) look_for_descriptors(*message);
  return result;
}

int ioctl(int fd, unsigned long command, ...) noexcept {
  KCOV_TAKE_ARGUMENT(command);
  // A command of another group is answered by the memory file behind a descriptor, with
  // ENOTTY, as it would be by kcov.
  if (!numbers.any() || _IOC_TYPE(command) != 'c' || !is_kcov(fd))
    return next_ioctl(fd, command, argument);
  const Inside inside;
  return kcov_host_ioctl(fd, command, reinterpret_cast<unsigned long>(argument));
}

void* mmap(void* address, size_t length, int protection, int flags, int fd, off_t offset) noexcept {
  return map(next_mmap, address, length, protection, flags, fd, offset);
}
void* mmap64(void* address, size_t length, int protection, int flags, int fd,
             off64_t offset) noexcept {
  return map(next_mmap64, address, length, protection, flags, fd, offset);
}

// Contract 2.
ssize_t read(int fd, void* bytes, size_t count) {
  return is_marked_kcov(fd) ? kcov_host_read(fd, bytes, count) : next_read(fd, bytes, count);
}
ssize_t readv(int fd, const iovec* parts, int count) {
  return is_marked_kcov(fd) ? kcov_host_read(fd, nullptr, 0) : next_readv(fd, parts, count);
}
ssize_t __read_chk(int fd, void* bytes, size_t count, size_t room) {
  return is_marked_kcov(fd) ? kcov_host_read(fd, bytes, count)
                            : next___read_chk(fd, bytes, count, room);
}
ssize_t write(int fd, const void* bytes, size_t count) {
  return is_marked_kcov(fd) ? kcov_host_write(fd, bytes, count) : next_write(fd, bytes, count);
}
ssize_t writev(int fd, const iovec* parts, int count) {
  return is_marked_kcov(fd) ? kcov_host_write(fd, nullptr, 0) : next_writev(fd, parts, count);
}
ssize_t pread(int fd, void* bytes, size_t count, off_t offset) {
  return is_marked_kcov(fd) ? kcov_host_pread(fd, bytes, count, offset)
                            : next_pread(fd, bytes, count, offset);
}
ssize_t pread64(int fd, void* bytes, size_t count, off64_t offset) {
  return is_marked_kcov(fd) ? kcov_host_pread(fd, bytes, count, offset)
                            : next_pread64(fd, bytes, count, offset);
}
ssize_t preadv(int fd, const iovec* parts, int count, off_t offset) {
  return is_marked_kcov(fd) ? kcov_host_pread(fd, nullptr, 0, offset)
                            : next_preadv(fd, parts, count, offset);
}
ssize_t preadv64(int fd, const iovec* parts, int count, off64_t offset) {
  return is_marked_kcov(fd) ? kcov_host_pread(fd, nullptr, 0, offset)
                            : next_preadv64(fd, parts, count, offset);
}
ssize_t __pread_chk(int fd, void* bytes, size_t count, off_t offset, size_t room) {
  return is_marked_kcov(fd) ? kcov_host_pread(fd, bytes, count, offset)
                            : next___pread_chk(fd, bytes, count, offset, room);
}
ssize_t __pread64_chk(int fd, void* bytes, size_t count, off64_t offset, size_t room) {
  return is_marked_kcov(fd) ? kcov_host_pread(fd, bytes, count, offset)
                            : next___pread64_chk(fd, bytes, count, offset, room);
}
ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  return is_marked_kcov(fd) ? kcov_host_pwrite(fd, bytes, count, offset)
                            : next_pwrite(fd, bytes, count, offset);
}
ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t offset) {
  return is_marked_kcov(fd) ? kcov_host_pwrite(fd, bytes, count, offset)
                            : next_pwrite64(fd, bytes, count, offset);
}
ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
  return is_marked_kcov(fd) ? kcov_host_pwrite(fd, nullptr, 0, offset)
                            : next_pwritev(fd, parts, count, offset);
}
ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t offset) {
  return is_marked_kcov(fd) ? kcov_host_pwrite(fd, nullptr, 0, offset)
                            : next_pwritev64(fd, parts, count, offset);
}
off_t lseek(int fd, off_t offset, int whence) noexcept {
  return is_marked_kcov(fd) ? kcov_host_lseek(fd, offset, whence) : next_lseek(fd, offset, whence);
}
off64_t lseek64(int fd, off64_t offset, int whence) noexcept {
  return is_marked_kcov(fd) ? kcov_host_lseek(fd, offset, whence)
                            : next_lseek64(fd, offset, whence);
}
