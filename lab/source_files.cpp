// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/source_files.hpp"

#include <set>
#include <string>
#include <system_error>

namespace fs = std::filesystem;

namespace kcov::lab {
namespace {

// What the tree does not have is passed over: the compiler names some that are none ("<built-in>").
Status copy(const fs::path& tree, const fs::path& directory, const fs::path& name) {
  std::error_code error;
  if (!fs::is_regular_file(tree / name, error)) return {};
  fs::create_directories((directory / name).parent_path(), error);
  if (!error) fs::copy_file(tree / name, directory / name, error);
  if (error) return Error{"cannot write " + (directory / name).string() + ": " + error.message()};
  return {};
}

}  // namespace

Status keep_source_files(symbol::Image& image, const fs::path& tree, const fs::path& directory) {
  std::set<fs::path> folders = {""};
  for (const fs::path name : image.source_files()) {
    // Of the tree are those with relative names that stay in it.
    if (name.is_absolute() || name.native().starts_with("..")) continue;
    if (Status done = copy(tree, directory, name); !done) return done;
    for (fs::path folder = name.parent_path(); folders.insert(folder).second;)
      folder = folder.parent_path();
  }
  for (const fs::path& folder : folders) {
    for (const char* makefile : {"Makefile", "Kbuild"})
      if (Status done = copy(tree, directory, folder / makefile); !done) return done;
  }
  return {};
}

}  // namespace kcov::lab
