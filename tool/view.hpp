// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The ways to look at a recording, which `trace` and `show` have in common.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "coverage/recording.hpp"
#include "support/result.hpp"

namespace kcov::tool {

struct ViewOptions {
  bool text = false;
  bool raw = false;
  bool json = false;
  bool calls = false;
  bool functions = false;
  bool files = false;
  bool tree = false;
  bool source = false;
  bool full = false;
  std::string colour = "auto";
  std::string source_directory;  // empty: beside the image, if it is there
  std::size_t context = 2;
  std::vector<std::string> only;  // names of entries; empty: all

  bool is_given() const {
    return text || raw || json || calls || functions || files || tree || source;
  }
};

void add_view(CLI::App& command, ViewOptions& options);

// Writes the recording to the file `output`, or to standard output if that is empty, and what
// is missing in it to standard error where the format does not say. `vmlinux`: the image that the
// names are of, if one was named. Entries that options.only does not name are hidden.
Status write_view(coverage::Recording& recording, const ViewOptions& options,
                  const std::string& vmlinux, const std::string& output);

}  // namespace kcov::tool
