// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Runs a program and waits for it.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.hpp"

namespace kcov {

struct Command {
  std::vector<std::string> arguments;    // the first is looked up in PATH
  std::filesystem::path directory;       // where it runs; empty: here
  std::vector<std::string> environment;  // "NAME=value", added to ours
  // Receives each line of its standard output and standard error, without the newline.
  std::function<void(std::string_view)> on_line;
};

// Runs it in a process group of its own, which is ended, all of it, when we are
// interrupted or killed. Its exit status, or 128 + the signal that killed it; 127 when there is no
// such program; an Error when we were interrupted.
Result<int> run_command(const Command& command);

}  // namespace kcov
