// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The text of source files, and whether it is the text that was compiled.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace kcov::report::html {

struct SourceText {
  std::optional<std::string> text;
  std::string trouble;  // why there is no text, or why it may be another; empty: all is well
};

class SourceFinder {
 public:
  // `directory`: that the names are relative to; empty: there is none. `built`: when the kernel's
  // image was; a file that is newer is told. None: the files were kept with it.
  explicit SourceFinder(std::filesystem::path directory = {},
                        std::optional<std::filesystem::file_time_type> built = std::nullopt)
      : directory_(std::move(directory)), built_(built) {}

  // `name`: as debug information or a recording has it. Nothing outside of the directory is read,
  // whatever the name; of an absolute one as much of the end is taken as is there.
  // `last_line`: the highest that is known to have code.
  SourceText read(std::string_view name, int last_line) const;

 private:
  std::filesystem::path find(std::string_view name) const;

  std::filesystem::path directory_;
  std::optional<std::filesystem::file_time_type> built_;
};

}  // namespace kcov::report::html
