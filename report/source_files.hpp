// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The source that a kernel or a program was made of, as far as it is at hand.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace kcov::report {

class SourceFile {
 public:
  SourceFile() = default;
  explicit SourceFile(std::string text);

  std::size_t line_count() const { return ends_.size(); }
  // From 1 on, without the end of the line.
  std::string_view line(std::size_t number) const;

 private:
  std::string text_;
  std::vector<std::size_t> ends_;  // of each line
};

class SourceFiles {
 public:
  // Empty: there are none.
  explicit SourceFiles(std::filesystem::path directory) : directory_(std::move(directory)) {}

  const std::filesystem::path& directory() const { return directory_; }
  bool is_there() const;
  // The file that debug information calls `name`: relative to the directory, or absolute and below
  // it. What lies elsewhere is never read, whatever a recording names. Without lines: it cannot be
  // read, or is none.
  SourceFile read(std::string_view name) const;

 private:
  std::filesystem::path directory_;
};

}  // namespace kcov::report
