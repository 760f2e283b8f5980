// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Names of source files, in the one spelling that we use for each.
#include "symbol/source_path.hpp"

#include <algorithm>
#include <vector>

namespace kcov::symbol {
namespace {

// Appends the parts of `path`, "." and ".." worked out. ".." above the root is the root;
// above the start of a relative path it stays.
void append_parts(std::vector<std::string_view>& parts, std::string_view path, bool absolute) {
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!parts.empty() && parts.back() != "..") {
        parts.pop_back();
        continue;
      }
      if (absolute) continue;
    }
    parts.push_back(part);
  }
}

bool is_absolute(std::string_view path) { return path.starts_with('/'); }

}  // namespace

std::string source_path(std::string_view file, std::string_view directory) {
  if (file.empty()) return {};
  std::vector<std::string_view> base;
  append_parts(base, directory, is_absolute(directory));

  std::vector<std::string_view> parts;
  bool absolute = is_absolute(file);
  if (!absolute) {
    absolute = is_absolute(directory);
    parts = base;
  }
  append_parts(parts, file, absolute);

  // Below the directory? Then that much of it goes. (Below "/" is everything: no news.)
  const bool below = absolute == is_absolute(directory) && !base.empty() &&
                     parts.size() > base.size() &&
                     std::equal(base.begin(), base.end(), parts.begin());
  std::string path = absolute && !below ? "/" : "";
  for (std::size_t i = below ? base.size() : 0; i < parts.size(); ++i) {
    path += parts[i];
    if (i + 1 < parts.size()) path += '/';
  }
  return path;
}

}  // namespace kcov::symbol
