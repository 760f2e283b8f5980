// SPDX-License-Identifier: GPL-2.0-only OR MIT
// kcovtool export: a recording in the formats of others.
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "report/line_coverage.hpp"
#include "report/trace_report.hpp"
#include "support/files.hpp"
#include "support/interrupt.hpp"
#include "tool/commands.hpp"
#include "tool/names.hpp"

namespace kcov::tool {
namespace {

struct Options {
  std::string file;
  std::string format;
  std::string output;
  std::string root;
  std::string vmlinux;
};

std::string text_of(const coverage::Recording& recording, const Options& options) {
  if (options.format == "lcov") return report::lcov_of(recording, options.root);
  if (options.format == "codecov") return report::codecov_of(recording, options.root);
  if (options.format == "jsonl") return report::jsonl_of(recording);
  return report::raw_of(recording);
}

Result<int> run(const Options& options) {
  if (!options.output.empty()) {
    if (Status possible = check_writable(options.output); !possible) return possible.error();
  }
  const Result<coverage::Recording> recording = read_named(options.file, options.vmlinux);
  if (!recording) return recording.error();
  // Of source lines there are none without names; PCs there are.
  if (!recording->unnamed.empty() && options.format != "rawcover" && options.format != "jsonl")
    return Error{fmt::format("cannot export {} as {}: {}", options.file, options.format,
                             recording->unnamed)};
  const std::string text = text_of(*recording, options);
  if (!options.output.empty()) {
    if (Status written = write_file(options.output, text); !written) return written.error();
  } else {
    if (Status going_on = release_interrupts(); !going_on) return going_on.error();
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
  // None of the formats has a place for it.
  fmt::print(stderr, "{}", report::losses_of(*recording));
  return 0;
}

}  // namespace

void add_export(CLI::App& app, Action& chosen) {
  CLI::App* const command =
      app.add_subcommand("export", "write a recording in a format of other tools");
  const auto options = std::make_shared<Options>();
  command
      ->add_option("--format", options->format,
                   "lcov: a tracefile for genhtml and editors; codecov: Codecov's JSON; jsonl: an "
                   "object a line for each PC; rawcover: the PCs, one a line")
      ->required()
      ->check(CLI::IsMember({"lcov", "codecov", "jsonl", "rawcover"}));
  command
      ->add_option("-o,--output", options->output, "the file to write; standard output without it")
      ->check(not_empty());
  command->add_option("--source", options->root,
                      "where the kernel's source is: put before the relative names of files");
  command->add_option("--vmlinux", options->vmlinux, "the image of the kernel that ran");
  command->add_option("file", options->file, "the recording")->required();
  command->callback([&chosen, options] { chosen = [options] { return run(*options); }; });
}

}  // namespace kcov::tool
