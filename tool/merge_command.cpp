// SPDX-License-Identifier: GPL-2.0-only OR MIT
// kcovtool merge: many recordings into one file.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <sstream>

#include "coverage/merged_file.hpp"
#include "support/files.hpp"
#include "tool/commands.hpp"
#include "tool/sets.hpp"
#include "tool/terminal.hpp"

namespace kcov::tool {
namespace {

struct MergeOptions {
  std::vector<std::string> files;
  std::string list;
  std::string output;
  std::string vmlinux;
};

// The names in a file, one a line; "-": in standard input.
Result<std::vector<std::string>> listed(const std::string& list) {
  const Result<std::string> text = list == "-" ? read_all(0, "standard input") : read_file(list);
  if (!text) return text.error();
  std::vector<std::string> names;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) names.push_back(line);
  return names;
}

Result<int> merge(const MergeOptions& options) {
  std::vector<std::string> files = options.files;
  if (!options.list.empty()) {
    const Result<std::vector<std::string>> more = listed(options.list);
    if (!more) return more.error();
    files.insert(files.end(), more->begin(), more->end());
  }
  if (files.empty()) return Error{"cannot merge: no recording is named", 2};
  if (Status possible = coverage::check_merged(options.output); !possible) return possible.error();
  const Result<coverage::CoverageSet> set = read_set(files, options.vmlinux);
  if (!set) return set.error();
  if (Status written = coverage::write_merged(options.output, *set); !written)
    return written.error();
  const auto cut_off = std::count_if(set->runs.begin(), set->runs.end(),
                                     [](const auto& run) { return run.is_cut_off; });
  fmt::print("{} runs, {} PCs, {} kinds of system calls and other entries\n", set->runs.size(),
             set->locations.size(), set->calls.size());
  if (cut_off != 0) say("{} of the runs are cut off: their buffers were full", cut_off);
  if (!set->unnamed.empty()) say("{}", set->unnamed);
  return 0;
}

}  // namespace

void add_merge(CLI::App& app, Action& chosen) {
  CLI::App* const command = app.add_subcommand(
      "merge", "put recordings into one file, each PC knowing the runs that reached it");
  const auto options = std::make_shared<MergeOptions>();
  command->add_option("-o,--output", options->output, "the file to write")
      ->required()
      ->check(output_name());
  command
      ->add_option("--files-from", options->list,
                   "a file that names recordings, one a line; -: standard input")
      ->check(not_empty());
  command->add_option("--vmlinux", options->vmlinux,
                      "the image of the kernel that ran, for recordings without names");
  command->add_option("files", options->files, "recordings, and files that merge wrote");
  command->callback([&chosen, options] { chosen = [options] { return merge(*options); }; });
}

}  // namespace kcov::tool
