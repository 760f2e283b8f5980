// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/source_files.hpp"

#include <system_error>
#include <utility>

#include "support/files.hpp"

namespace fs = std::filesystem;

namespace kcov::report {
namespace {

// More than any source has; what is larger is something else.
constexpr std::uintmax_t kLargest = 1 << 26;

}  // namespace

SourceFile::SourceFile(std::string text) : text_(std::move(text)) {
  for (std::size_t at = 0; at < text_.size();) {
    const std::size_t end = std::min(text_.find('\n', at), text_.size());
    ends_.push_back(end);
    at = end + 1;
  }
}

std::string_view SourceFile::line(std::size_t number) const {
  const std::size_t begin = number == 1 ? 0 : ends_[number - 2] + 1;
  return std::string_view(text_).substr(begin, ends_[number - 1] - begin);
}

bool SourceFiles::is_there() const {
  std::error_code ignored;
  return !directory_.empty() && fs::is_directory(directory_, ignored);
}

SourceFile SourceFiles::read(std::string_view name) const {
  if (directory_.empty() || name.empty()) return {};
  std::error_code error;
  const fs::path root = fs::canonical(directory_, error);
  if (error) return {};
  // Without links and "..": where it really is.
  const fs::path path = fs::canonical(root / name, error);
  if (error || !fs::is_regular_file(path, error)) return {};
  const fs::path within = path.lexically_relative(root);
  if (within.empty() || *within.begin() == "..") return {};
  if (fs::file_size(path, error) > kLargest || error) return {};
  Result<std::string> text = read_file(path);
  return text ? SourceFile(std::move(*text)) : SourceFile();
}

}  // namespace kcov::report
