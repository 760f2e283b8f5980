// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/html_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "support/files.hpp"

namespace fs = std::filesystem;

namespace kcov::report::html {
namespace {

// No source file of a kernel has a tenth of it; a page of more would not open.
constexpr std::uintmax_t kLargest = 16 << 20;

bool is_inside(const fs::path& relative) {
  return relative.is_relative() && !relative.empty() &&
         std::none_of(relative.begin(), relative.end(),
                      [](const fs::path& part) { return part == ".."; });
}

// A regular file that really is below `directory`, also where links lead to it.
bool is_file_in(const fs::path& directory, const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return false;
  const fs::path root = fs::canonical(directory, error);
  if (error) return false;
  const fs::path real = fs::canonical(path, error);
  return !error && is_inside(real.lexically_relative(root));
}

}  // namespace

fs::path SourceFinder::find(std::string_view name) const {
  // Of other names no file is: a 0 byte ends one.
  if (directory_.empty() || name.find('\0') != std::string_view::npos) return {};
  const bool is_absolute = name.starts_with('/');
  for (;;) {
    while (name.starts_with('/')) name.remove_prefix(1);
    const fs::path relative(name);
    if (!is_inside(relative)) return {};
    if (is_file_in(directory_, directory_ / relative)) return directory_ / relative;
    const std::size_t slash = name.find('/');
    if (!is_absolute || slash == std::string_view::npos) return {};
    name.remove_prefix(slash + 1);
  }
}

SourceText SourceFinder::read(std::string_view name, int last_line) const {
  if (directory_.empty())
    return {std::nullopt, "There is no source: name its directory with --source-dir."};
  const fs::path path = find(name);
  if (path.empty())
    return {std::nullopt,
            fmt::format("It is not in the source directory {}.", directory_.string())};
  std::error_code error;
  if (const std::uintmax_t size = fs::file_size(path, error); !error && size > kLargest)
    return {std::nullopt, fmt::format("The source has {} MiB, and is left out.", size >> 20)};
  Result<std::string> text = read_file(path);
  if (!text) return {std::nullopt, "The source cannot be read: " + text.error().message + "."};
  SourceText source;
  auto lines = std::count(text->begin(), text->end(), '\n');
  if (!text->empty() && text->back() != '\n') ++lines;
  const fs::file_time_type written = fs::last_write_time(path, error);
  if (lines < last_line) {
    source.trouble = fmt::format(
        "The source has changed since the kernel was built: it has {} lines, and there is code on "
        "line {}. Lines and text may not belong together.",
        lines, last_line);
  } else if (built_ && !error && written > *built_) {
    source.trouble =
        "The source is newer than the kernel's image: lines and text may not belong together.";
  }
  source.text = std::move(*text);
  return source;
}

}  // namespace kcov::report::html
