// SPDX-License-Identifier: GPL-2.0-only OR MIT
// kcovtool diff: what one recording reached and another did not.
#include <fmt/format.h>

#include <memory>

#include "coverage/comparison.hpp"
#include "coverage/merged_file.hpp"
#include "report/comparison_text.hpp"
#include "support/interrupt.hpp"
#include "tool/commands.hpp"
#include "tool/names.hpp"
#include "tool/sets.hpp"
#include "tool/terminal.hpp"

namespace kcov::tool {
namespace {

using coverage::Recording;

struct DiffOptions {
  std::string first;
  std::string second;
};

// With an entry to compare in each task, also where there are no names to cut by.
Result<Recording> read(const std::string& file) {
  Result<Recording> recording = read_named(file, {});
  if (!recording) return recording;
  if (!recording->unnamed.empty()) {
    say("{}: {}", file, recording->unnamed);
    for (coverage::Task& task : recording->tasks) {
      const auto count = static_cast<std::uint32_t>(task.records.size());
      if (count != 0) task.entries = {{coverage::EntryKind::other, "the trace", {{0, count}}}};
    }
  }
  return recording;
}

Result<coverage::CoverageSet> set_of(const Recording& recording, const std::string& file) {
  coverage::Merger merger;
  if (Status added = merger.add(recording, file); !added) return added.error();
  return merger.take();
}

Result<std::string> diff_of_runs(const DiffOptions& options, const report::SideNames& names) {
  const Result<Recording> first = read(options.first);
  if (!first) return first.error();
  Result<Recording> second = read(options.second);
  if (!second) return second.error();
  const bool same = coverage::have_same_places(*first, *second);
  const Result<coverage::CoverageSet> ours = set_of(*first, options.first);
  if (!ours) return ours.error();
  const Result<coverage::CoverageSet> theirs = set_of(*second, options.second);
  if (!theirs) return theirs.error();
  const std::string parting =
      report::text_of(coverage::find_parting(*first, *second, same),
                      coverage::find_parting_of_calls(*first, *second), *first, *second, names);
  return report::text_of(coverage::compare(*ours, *theirs, same), names, parting);
}

Result<std::string> diff_of_sets(const DiffOptions& options, const report::SideNames& names) {
  const Result<coverage::CoverageSet> first = read_set({options.first}, {});
  if (!first) return first.error();
  Result<coverage::CoverageSet> second = read_set({options.second}, {});
  if (!second) return second.error();
  const bool same = coverage::have_same_places(*first, *second);
  return report::text_of(coverage::compare(*first, *second, same), names,
                         "In what order system calls were made is not in a merged file.\n");
}

Result<int> diff(const DiffOptions& options) {
  const report::SideNames names{options.first, options.second};
  const bool has_sets = coverage::is_merged(options.first) || coverage::is_merged(options.second);
  const Result<std::string> text =
      has_sets ? diff_of_sets(options, names) : diff_of_runs(options, names);
  if (!text) return text.error();
  if (Status going_on = release_interrupts(); !going_on) return going_on.error();
  write_out(*text);
  return 0;
}

}  // namespace

void add_diff(CLI::App& app, Action& chosen) {
  CLI::App* const command = app.add_subcommand(
      "diff", "compare two recordings: functions, lines and PCs in one and not in the other");
  const auto options = std::make_shared<DiffOptions>();
  command
      ->add_option("first", options->first,
                   "a recording, or what merge wrote; what it alone has gets a -")
      ->required();
  command->add_option("second", options->second, "another; what it alone has gets a +")->required();
  command->callback([&chosen, options] { chosen = [options] { return diff(*options); }; });
}

}  // namespace kcov::tool
