// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/html_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "support/files.hpp"
#include "support/interrupt.hpp"

namespace fs = std::filesystem;

namespace kcov::report::html {
namespace {

constexpr std::string_view kMark = "kcov-report";
constexpr std::string_view kMarkText =
    "This directory is a report of kcovtool, which replaces it as a whole. Open index.html.\n";

Error cannot_write(const fs::path& path, const std::string& why) {
  return Error{"cannot write the report " + path.string() + ": " + why};
}

// Whether it may be replaced.
Status check_place(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (status.type() == fs::file_type::not_found) return {};
  if (error) return cannot_write(path, error.message());
  if (status.type() != fs::file_type::directory) return cannot_write(path, "it is no directory");
  if (fs::is_regular_file(path / kMark, error) || fs::is_empty(path, error)) return {};
  if (error) return cannot_write(path, error.message());
  return cannot_write(path, "there are other files in that directory; name a new one");
}

// Opens the mark and locks it: -1 with errno.
int lock_mark(const fs::path& directory, int flags) {
  const fs::path mark = directory / kMark;
  const int fd = ::open(mark.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0666);
  if (fd < 0 || ::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

// What an earlier kcovtool left there when it was killed.
Status remove_remains(const fs::path& path, const fs::path& partial) {
  std::error_code error;
  if (fs::symlink_status(partial, error).type() == fs::file_type::not_found) return {};
  const int fd = lock_mark(partial, 0);
  if (fd < 0 && errno == EWOULDBLOCK)
    return cannot_write(path, "another kcovtool is writing it (" + partial.string() + ")");
  if (fd < 0 && !(errno == ENOENT && fs::is_empty(partial, error)))
    return cannot_write(path, partial.string() + " is in the way; remove it");
  fs::remove_all(partial, error);
  if (fd >= 0) ::close(fd);
  if (error)
    return cannot_write(path, "cannot remove " + partial.string() + ": " + error.message());
  return {};
}

}  // namespace

ReportDirectory::ReportDirectory(fs::path path, fs::path partial, int lock)
    : path_(std::move(path)), partial_(std::move(partial)), lock_(lock) {}

ReportDirectory::ReportDirectory(ReportDirectory&& other) noexcept
    : path_(std::move(other.path_)),
      partial_(std::exchange(other.partial_, {})),
      lock_(std::exchange(other.lock_, -1)) {}

ReportDirectory::~ReportDirectory() {
  std::error_code ignored;
  if (!partial_.empty()) fs::remove_all(partial_, ignored);
  if (lock_ >= 0) ::close(lock_);
}

Result<ReportDirectory> ReportDirectory::create(const std::string& given) {
  std::error_code error;
  // A link to a directory stays one; a slash at the end is how one writes a directory.
  fs::path path = fs::weakly_canonical(given, error);
  if (error) return cannot_write(given, error.message());
  if (!path.has_filename()) path = path.parent_path();
  if (!path.has_filename()) return cannot_write(path, "name a directory for it");
  if (Status free = check_place(path); !free) return free.error();
  const fs::path partial = path.string() + ".partial";
  if (Status free = remove_remains(path, partial); !free) return free.error();
  if (!fs::create_directory(partial, error))
    return cannot_write(
        path, error ? errno_text_of_new(path, error.value()) : partial.string() + " is in the way");
  ReportDirectory directory(path, partial, lock_mark(partial, O_CREAT | O_EXCL));
  if (directory.lock_ < 0 || ::write(directory.lock_, kMarkText.data(), kMarkText.size()) !=
                                 static_cast<ssize_t>(kMarkText.size()))
    return cannot_write(path, errno_text(errno));
  fs::create_directory(partial / "data", error);
  if (error) return cannot_write(path, error.message());
  return directory;
}

Status ReportDirectory::write(const std::string& name, std::string_view contents) {
  if (interrupted() != 0) return interruption();
  std::FILE* const file = std::fopen((partial_ / name).c_str(), "wxe");
  if (file == nullptr) return cannot_write(path_, errno_text(errno));
  bool is_whole = std::fwrite(contents.data(), 1, contents.size(), file) == contents.size();
  int error = errno;
  if (std::fclose(file) != 0 && is_whole) {
    is_whole = false;
    error = errno;
  }
  if (!is_whole) return cannot_write(path_, errno_text(error));
  return {};
}

Status ReportDirectory::finish() {
  if (interrupted() != 0) return interruption();
  std::error_code error;
  if (::renameat2(AT_FDCWD, partial_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) == 0) {
    partial_.clear();
    return {};
  }
  // Something is there. It may have come in the meantime.
  if (Status free = check_place(path_); !free) return free;
  // The old one is then what is partial, and is removed as that.
  if (::renameat2(AT_FDCWD, partial_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) == 0)
    return {};
  // File systems that cannot exchange two.
  fs::remove_all(path_, error);
  if (!error) fs::rename(partial_, path_, error);
  if (error) return cannot_write(path_, error.message());
  partial_.clear();
  return {};
}

}  // namespace kcov::report::html
