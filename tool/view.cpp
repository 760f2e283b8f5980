// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "tool/view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>
#include <utility>

#include "report/source_text.hpp"
#include "report/tables.hpp"
#include "report/trace_report.hpp"
#include "report/tree_text.hpp"
#include "support/files.hpp"
#include "support/interrupt.hpp"
#include "tool/commands.hpp"
#include "tool/names.hpp"
#include "tool/terminal.hpp"

namespace kcov::tool {
namespace {

// Where the source of the kernel is, if the user does not say: beside its image.
std::filesystem::path source_directory(const coverage::Recording& recording,
                                       const ViewOptions& options, const std::string& vmlinux) {
  if (!options.source_directory.empty()) return options.source_directory;
  if (recording.release.empty()) return {};
  const std::filesystem::path image =
      vmlinux.empty() ? find_image(recording.build_id, recording.release) : vmlinux;
  if (image.empty()) return {};
  const std::filesystem::path directory = image.parent_path() / "source";
  std::error_code ignored;
  return std::filesystem::is_directory(directory, ignored) ? directory : std::filesystem::path{};
}

// Of a list with commas in it, and of "" too, parts may be empty.
std::vector<std::string> names_in(const std::string& list) {
  std::vector<std::string> names(1);
  for (const char c : list) {
    if (c == ',')
      names.emplace_back();
    else
      names.back() += c;
  }
  return names;
}

CLI::Validator list_of_names() {
  return CLI::Validator(
      [](const std::string& list) {
        const std::vector<std::string> names = names_in(list);
        const bool is_good = std::none_of(names.begin(), names.end(),
                                          [](const std::string& name) { return name.empty(); });
        return is_good ? std::string() : "a name in \"" + list + "\" is empty";
      },
      "NAME[,NAME...]");
}

std::set<std::string> as_set(const std::vector<std::string>& names) {
  return {names.begin(), names.end()};
}

// Hides the entries that `options.only` does not name. What is named and not there is said.
Status hide_others(coverage::Recording& recording, const ViewOptions& options) {
  std::set<std::string> wanted;
  for (const std::string& list : options.only) wanted.merge(as_set(names_in(list)));
  if (wanted.empty()) return {};
  const bool has_entries =
      std::any_of(recording.tasks.begin(), recording.tasks.end(),
                  [](const coverage::Task& task) { return !task.entries.empty(); });
  if (!has_entries && recording.record_count() != 0) {
    return Error{fmt::format(
        "cannot show {} alone: without the names of its PCs no system calls are known in a trace",
        *wanted.begin())};
  }
  std::set<std::string> missing = wanted;
  for (coverage::Task& task : recording.tasks) {
    for (coverage::Entry& entry : task.entries) {
      entry.is_hidden = !wanted.contains(entry.name);
      missing.erase(entry.name);
    }
  }
  for (const std::string& name : missing) say("nothing that is called \"{}\" was executed", name);
  return {};
}

std::string text_of(const coverage::Recording& recording, const ViewOptions& options,
                    const std::string& vmlinux, const report::Look& look) {
  if (options.raw) return report::raw_of(recording);
  if (options.json) return report::json_of(recording);
  // Without names there are PCs, and nothing to sum up.
  if (recording.unnamed.empty()) {
    if (options.calls) return report::text_of_calls(recording, look);
    if (options.functions) return report::text_of_functions(recording, look);
    if (options.files) return report::text_of_files(recording, look);
    if (options.tree) return report::text_of_tree(recording, look);
    if (options.source) {
      const report::SourceFiles files(source_directory(recording, options, vmlinux));
      report::SourceText source = report::text_of_source(recording, files, options.context, look);
      if (!source.missing.empty()) say("{}", source.missing);
      return std::move(source.text);
    }
  }
  return report::text_of(recording, look);
}

}  // namespace

void add_view(CLI::App& command, ViewOptions& options) {
  CLI::Option_group* const one = command.add_option_group("what is shown");
  one->add_flag("--text", options.text, "a line for each entry, and a summary (the default)");
  one->add_flag("--calls", options.calls, "a line for each system call's name");
  one->add_flag("--functions", options.functions, "a line for each function");
  one->add_flag("--files", options.files, "a line for each source file");
  one->add_flag("--tree", options.tree,
                "the calls of each entry as a tree: a function is in its caller, its entry block "
                "seen after one of the caller's. A return into the midst of a block cannot be "
                "seen: see kcovtool-trace(1)");
  one->add_flag("--source", options.source,
                "the source lines that were executed, and those around them");
  one->add_flag("--raw", options.raw, "the PCs, one a line");
  one->add_flag("--json", options.json, "for programs; see kcovtool-trace(1)");
  one->require_option(0, 1);
  command.add_flag("--full", options.full,
                   "do not cut lines to the terminal's width, or 100; with --tree: "
                   "small inlined functions of headers, too");
  command
      .add_option("--only", options.only,
                  "system calls and other entries of these names alone: openat,read,\"page fault\"")
      ->allow_extra_args(false)
      ->check(list_of_names());
  command
      .add_option("--source-dir", options.source_directory,
                  "where the source for --source is; without it what lab build has kept")
      ->check(CLI::ExistingDirectory);
  command.add_option("--context", options.context, "lines around each executed one, for --source")
      ->capture_default_str()
      ->check(CLI::Range(std::size_t{0}, std::size_t{1000000}));
  command
      .add_option("--color", options.colour,
                  "auto: on a terminal, if NO_COLOR is not set; always; never")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "always", "never"}));
}

Status write_view(coverage::Recording& recording, const ViewOptions& options,
                  const std::string& vmlinux, const std::string& output) {
  if (Status hidden = hide_others(recording, options); !hidden) return hidden;
  // A file is not as wide as the terminal that it was asked for on.
  const Terminal terminal = output.empty() ? terminal_of(1) : Terminal{};
  const std::string text =
      text_of(recording, options, vmlinux, look_for(terminal, options.colour, options.full));
  if (!output.empty()) {
    catch_interrupts();
    if (Status written = write_file(output, text); !written) return written;
  } else {
    write_out(text);
  }
  // In the text they are.
  if (options.is_given() && !options.text) fmt::print(stderr, "{}", report::losses_of(recording));
  return {};
}

}  // namespace kcov::tool
