// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The subcommands of kcovtool. Each adds itself to the command line and, when it was
// chosen, sets what main() is to run; what that returns is the exit status.
//
// Exit codes: 0 done; 1 doctor found something wrong; 2 the command line is wrong; 125 kcovtool
// itself failed; 126 the command is not executable; 127 there is no such command; 128 + N ended by
// signal N. `lab run` and `trace` otherwise return the exit status of the command they ran.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "support/result.hpp"

namespace kcov::tool {

using Action = std::function<Result<int>()>;

void add_diff(CLI::App& app, Action& chosen);
void add_doctor(CLI::App& app, Action& chosen);
void add_export(CLI::App& app, Action& chosen);
void add_lab(CLI::App& app, Action& chosen);
void add_merge(CLI::App& app, Action& chosen);
void add_report(CLI::App& app, Action& chosen);
void add_show(CLI::App& app, Action& chosen);
void add_symbolize(CLI::App& app, Action& chosen);
void add_trace(CLI::App& app, Action& chosen);

// Adds the command that follows "--" to a subcommand.
void add_command_to_run(CLI::App& app, std::vector<std::string>& command);

// Adds --machine: which of the lab's kernels is meant.
void add_machine(CLI::App& app, std::string& machine);

// For options that name `what`, mostly a file: "" is what a variable holds that was never set.
CLI::Validator not_empty(const char* what = "a file");
// For what is written: nor "-", which elsewhere is standard output, nor the "--" behind a name that
// was forgotten.
CLI::Validator output_name();

// Adds --write, and turns what was given into directories for lab::Request.
void add_writable(CLI::App& app, std::vector<std::string>& directories);
Result<std::vector<std::string>> resolve_writable(const std::vector<std::string>& directories);

}  // namespace kcov::tool
