// SPDX-License-Identifier: GPL-2.0-only OR MIT
// kcovtool diff: what one recording reached and another did not.
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "coverage/comparison.hpp"
#include "report/comparison_text.hpp"
#include "support/interrupt.hpp"
#include "tool/commands.hpp"
#include "tool/names.hpp"

namespace kcov::tool {
namespace {

using coverage::Recording;

struct Options {
  std::string first;
  std::string second;
};

// With an entry to compare in each task, also where there are no names to cut by.
Result<Recording> read(const std::string& file) {
  Result<Recording> recording = read_named(file, {});
  if (!recording) return recording;
  if (!recording->unnamed.empty()) {
    fmt::print(stderr, "kcovtool: {}: {}\n", file, recording->unnamed);
    for (coverage::Task& task : recording->tasks) {
      const auto count = static_cast<std::uint32_t>(task.records.size());
      if (count != 0) task.entries = {{coverage::EntryKind::other, "the trace", {{0, count}}}};
    }
  }
  return recording;
}

Result<int> diff(const Options& options) {
  const Result<Recording> first = read(options.first);
  if (!first) return first.error();
  const Result<Recording> second = read(options.second);
  if (!second) return second.error();
  const std::string text = report::text_of(coverage::compare(*first, *second), *first, *second,
                                           options.first, options.second);
  if (Status going_on = release_interrupts(); !going_on) return going_on.error();
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

}  // namespace

void add_diff(CLI::App& app, Action& chosen) {
  CLI::App* const command = app.add_subcommand(
      "diff", "compare two recordings: functions, lines and PCs in one and not in the other");
  const auto options = std::make_shared<Options>();
  command->add_option("first", options->first, "a recording; what it alone has gets a -")
      ->required();
  command->add_option("second", options->second, "another; what it alone has gets a +")->required();
  command->callback([&chosen, options] { chosen = [options] { return diff(*options); }; });
}

}  // namespace kcov::tool
