// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Whole files in and out, and a directory that is gone when it leaves scope.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "support/result.hpp"

namespace kcov {

// `longest_line`, in bytes: where an endless line must not become endless memory, a file
// with a longer one is an Error.
inline constexpr std::size_t kAnyLine = ~std::size_t{0};
Result<std::string> read_file(const std::filesystem::path& path,
                              std::size_t longest_line = kAnyLine);

// What is still to be read from `fd`, to its end; `name` stands for it in errors. Whoever
// was interrupted gets an Error too, never the part that was read until then.
Result<std::string> read_all(int fd, std::string_view name, std::size_t longest_line = kAnyLine);

// Replaces a regular file in one step: a reader sees the old contents or the new, whole.
// A device or a pipe is written to, and a link followed, also where it points to nothing
// yet.
Status write_file(const std::filesystem::path& path, std::string_view contents);

// Whether write_file() could begin, for whoever would be sorry to learn it after long work.
Status check_writable(const std::filesystem::path& path);

// What errno says, as words.
std::string errno_text(int error);
// The same of `path`, which was to be made: with the directory that is missing, if one is.
std::string errno_text_of_new(const std::filesystem::path& path, int error);

class TemporaryDirectory {
 public:
  // Makes `parent`/`prefix`XXXXXX; `parent` is made if need be.
  static Result<TemporaryDirectory> create(const std::filesystem::path& parent,
                                           std::string_view prefix);
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  ~TemporaryDirectory();

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace kcov
