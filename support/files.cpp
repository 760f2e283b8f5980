// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "support/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "support/interrupt.hpp"

namespace fs = std::filesystem;

namespace kcov {

std::string errno_text(int error) { return std::generic_category().message(error); }

std::string errno_text_of_new(const fs::path& path, int error) {
  const fs::path parent = path.parent_path();
  std::error_code unknown;
  const bool is_missing = error == ENOENT && !parent.empty() && !fs::exists(parent, unknown);
  return errno_text(error) + (is_missing ? ": the directory " + parent.string() : "");
}

namespace {

// Why something was not done: the interrupt, or `error`.
Error failure(std::string_view what, std::string_view name, int error) {
  if (error == EINTR && interrupted() != 0) return interruption();
  std::string message(what);
  return Error{message.append(" ").append(name).append(": ").append(errno_text(error))};
}

constexpr int kMostLinks = 40;  // the system's own limit

// Opening a pipe waits for its other end: until we are interrupted.
int open_patiently(const fs::path& path, int flags) {
  int fd;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR && interrupted() == 0);
  return fd;
}

}  // namespace

Result<std::string> read_all(int fd, std::string_view name, std::size_t longest_line) {
  std::string contents;
  std::size_t line = 0;  // bytes of the one that is not ended yet
  char block[65536];
  for (;;) {
    const ssize_t n = ::read(fd, block, sizeof block);
    if (n < 0 && errno == EINTR && interrupted() == 0) continue;
    if (n < 0) return failure("cannot read", name, errno);
    if (n == 0) return contents;
    const std::string_view read(block, static_cast<std::size_t>(n));
    contents += read;
    const std::size_t newline = read.rfind('\n');
    line = newline == std::string_view::npos ? line + read.size() : read.size() - newline - 1;
    if (line > longest_line) {
      return Error{"cannot read " + std::string(name) + ": it has a line of more than " +
                   std::to_string(longest_line) + " bytes"};
    }
  }
}

Result<std::string> read_file(const fs::path& path, std::size_t longest_line) {
  const int fd = open_patiently(path, O_RDONLY);
  if (fd < 0) return failure("cannot read", path.string(), errno);
  Result<std::string> contents = read_all(fd, path.string(), longest_line);
  ::close(fd);
  return contents;
}

namespace {

bool write_all(int fd, std::string_view contents) {
  while (!contents.empty()) {
    const ssize_t n = ::write(fd, contents.data(), contents.size());
    if (n < 0 && errno == EINTR && interrupted() == 0) continue;
    if (n < 0) return false;
    contents.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// /dev/stdout and its like are links to whatever is open: no file of that name is meant.
// Not all of /dev: in /dev/shm are ordinary files.
bool is_descriptor(const fs::path& path) {
  const std::string& name = path.native();
  return name.starts_with("/dev/std") || name.starts_with("/dev/fd/") || name.starts_with("/proc/");
}

// Where the links lead, by hand: the last of them may point to what is yet to be made.
fs::path without_links(fs::path path) {
  std::error_code ignored;
  for (int links = 0; links < kMostLinks && !is_descriptor(path) && fs::is_symlink(path, ignored);
       ++links) {
    path = path.parent_path() / fs::read_symlink(path, ignored);
  }
  return path;
}

// Where what is to replace `path` is made, for mkostemp(). No longer than a name may be.
std::string temporary_beside(const fs::path& path) {
  return (path.parent_path() / ".kcovtool.XXXXXX").string();
}

// Whether something else is mounted on the file itself, as containers do: it can then be
// written to, but not replaced.
bool is_mount_point(const fs::path& path, const struct stat& status) {
  struct statx about {};
  return S_ISREG(status.st_mode) && ::statx(AT_FDCWD, path.c_str(), 0, 0, &about) == 0 &&
         (about.stx_attributes_mask & about.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

// For devices, pipes and links: what is there is written to, never replaced.
Status write_in_place(const fs::path& path, std::string_view contents, int flags) {
  const int fd = open_patiently(path, O_WRONLY | flags);
  const bool done = fd >= 0 && write_all(fd, contents);
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!done) return failure("cannot write", path.string(), error);
  return {};
}

}  // namespace

Status check_writable(const fs::path& given) {
  const fs::path path = without_links(given);
  struct stat old {};
  const bool exists = ::stat(path.c_str(), &old) == 0;
  // A chain of links without an end, a name that is too long, a descriptor that is closed.
  if (!exists && (errno != ENOENT || is_descriptor(path)))
    return failure("cannot write", path.string(), errno);
  if (is_descriptor(path)) return {};
  if (exists && S_ISDIR(old.st_mode)) return failure("cannot write", path.string(), EISDIR);
  if (exists && (!S_ISREG(old.st_mode) || is_mount_point(path, old))) {
    if (::access(path.c_str(), W_OK) != 0) return failure("cannot write", path.string(), errno);
    return {};
  }
  // A regular file is replaced: its directory has to allow that.
  std::string name = temporary_beside(path);
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return Error{"cannot write " + path.string() + ": " + errno_text_of_new(path, errno)};
  ::close(fd);
  ::unlink(name.c_str());
  // Marked as not to be changed, it cannot be replaced either.
  const int opened = exists ? ::open(path.c_str(), O_WRONLY | O_CLOEXEC) : -1;
  if (opened < 0 && exists && errno == EPERM) return failure("cannot write", path.string(), EPERM);
  if (opened >= 0) ::close(opened);
  return {};
}

Status write_file(const fs::path& given, std::string_view contents) {
  const fs::path path = without_links(given);
  struct stat old {};
  const bool exists = ::stat(path.c_str(), &old) == 0;
  if (!exists && errno != ENOENT) return failure("cannot write", path.string(), errno);
  if (exists && (is_descriptor(path) || !S_ISREG(old.st_mode)))
    return write_in_place(path, contents, O_APPEND);
  if (exists && is_mount_point(path, old)) return write_in_place(path, contents, O_TRUNC);
  std::string name = temporary_beside(path);
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return Error{"cannot write " + path.string() + ": " + errno_text_of_new(path, errno)};
  const auto fail = [&](int error) -> Status {
    ::close(fd);
    ::unlink(name.c_str());
    return failure("cannot write", path.string(), error);
  };
  if (!write_all(fd, contents)) return fail(errno);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  const mode_t mode = exists ? (old.st_mode & 07777) : (0666 & ~mask);
  if (::fchmod(fd, mode) != 0 || ::rename(name.c_str(), path.c_str()) != 0) return fail(errno);
  ::close(fd);
  return {};
}

Result<TemporaryDirectory> TemporaryDirectory::create(const fs::path& parent,
                                                      std::string_view prefix) {
  std::error_code error;
  fs::create_directories(parent, error);
  if (error) return Error{"cannot make the directory " + parent.string() + ": " + error.message()};
  std::string name = (parent / prefix).string() + "XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    return Error{"cannot make a directory in " + parent.string() + ": " + errno_text(errno)};
  }
  return TemporaryDirectory{fs::path{name}};
}

TemporaryDirectory::~TemporaryDirectory() {
  if (path_.empty()) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace kcov
