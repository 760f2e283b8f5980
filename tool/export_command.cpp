// SPDX-License-Identifier: GPL-2.0-only OR MIT
// kcovtool export: recordings in the formats of others.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include "lab/paths.hpp"
#include "report/line_coverage.hpp"
#include "report/pc_formats.hpp"
#include "support/files.hpp"
#include "support/interrupt.hpp"
#include "tool/commands.hpp"
#include "tool/names.hpp"
#include "tool/sets.hpp"
#include "tool/terminal.hpp"

namespace kcov::tool {
namespace {

using coverage::CoverageSet;

struct ExportOptions {
  std::vector<std::string> files;
  std::string format;
  std::string output;
  std::string root;
  std::string vmlinux;
  bool all = false;
};

// What a format is made of, beside the PCs.
enum class Needs { nothing, names, image };

struct Format {
  std::string_view name;
  Needs needs;
  std::string_view about;
};

constexpr std::array<Format, 8> kFormats = {{
    {"lcov", Needs::names, "a tracefile for genhtml and editors"},
    {"cobertura", Needs::names, "Cobertura's XML"},
    {"codecov", Needs::names, "Codecov's JSON"},
    {"jsonl", Needs::nothing, "an object a line for each PC"},
    {"rawcover", Needs::nothing, "the PCs, one a line"},
    {"offsets", Needs::image, "vmlinux+0x…, one a line"},
    {"drcov", Needs::image, "DynamoRIO's, version 2, for disassemblers"},
    {"sancov", Needs::nothing, "LLVM's .sancov"},
}};

std::string text_of(const CoverageSet& set, const symbol::Locations& coverable,
                    const report::Modules& modules, const ExportOptions& options) {
  if (options.format == "jsonl") return report::jsonl_of(set);
  if (options.format == "rawcover") return report::rawcover_of(set);
  if (options.format == "offsets") return report::offsets_of(set, modules);
  if (options.format == "drcov") return report::drcov_of(set, modules);
  if (options.format == "sancov") return report::sancov_of(set);
  const report::LineCoverage lines = report::cover_lines(set, coverable);
  if (options.format == "lcov") return report::lcov_of(lines, options.root);
  if (options.format == "cobertura") return report::cobertura_of(lines, options.root);
  return report::codecov_of(lines, options.root);
}

// The image that the set is of, for what it has no place for itself.
Result<symbol::Image> open_image(const CoverageSet& set, const ExportOptions& options) {
  const std::string path =
      options.vmlinux.empty() ? find_image(set.build_id, set.release) : options.vmlinux;
  const auto cannot = [&](const std::string& why) {
    return Error{fmt::format("cannot export {}{}: {}", options.format,
                             options.all ? " with what was not reached" : "", why)};
  };
  if (path.empty() && set.release.empty())
    return cannot("it takes the image of a kernel, and what was recorded is a program");
  if (path.empty()) {
    return cannot(fmt::format(
        "the image of the kernel that ran (Linux {}, build-id {}) was not found; name its vmlinux "
        "with --vmlinux",
        set.release, set.build_id));
  }
  Result<symbol::Image> image = symbol::Image::open(path);
  if (image && image->build_id() != set.build_id) {
    return cannot(fmt::format("{} is not the kernel that ran: its build-id is {}, the kernel's {}",
                              path, image->build_id(), set.build_id));
  }
  return image;
}

Result<int> run(const ExportOptions& options) {
  const Format& format = *std::find_if(kFormats.begin(), kFormats.end(), [&](const Format& one) {
    return one.name == options.format;
  });
  if (options.all && format.needs != Needs::names) {
    return Error{fmt::format("--all is for lcov, cobertura and codecov: {} has no place for what "
                             "was not reached",
                             options.format),
                 2};
  }
  for (const std::string& file : options.files) {
    std::error_code ignored;
    if (std::filesystem::equivalent(file, options.output, ignored))
      return Error{fmt::format("cannot export to {}: it is one of the recordings", file), 2};
  }
  if (!options.output.empty()) {
    if (Status possible = check_writable(options.output); !possible) return possible.error();
  }
  const Result<CoverageSet> set = read_set(options.files, options.vmlinux);
  if (!set) return set.error();
  if (format.needs == Needs::names && !set->unnamed.empty()) {
    return Error{fmt::format("cannot export {}: of source lines nothing is known: {}",
                             options.format, set->unnamed)};
  }
  symbol::Locations coverable;
  report::Modules modules;
  std::optional<symbol::Image> image;
  if (options.all || format.needs == Needs::image) {
    Result<symbol::Image> opened = open_image(*set, options);
    if (!opened) return opened.error();
    image = std::move(*opened);
    modules.push_back({image->path(), image->extent().start, image->extent().end});
    for (const coverage::Module& module : set->modules)
      modules.push_back({module.name + ".ko", module.start, module.start + module.size});
  }
  if (options.all) {
    coverable = all_points(*image, *set);
    if (coverable.empty()) {
      return Error{fmt::format(
          "cannot export {} with what was not reached: where {} calls kcov's callback cannot be "
          "told (is it built without CONFIG_KCOV, or for the large code model?)",
          options.format, image->path())};
    }
  }
  const std::string text = text_of(*set, coverable, modules, options);
  if (!options.output.empty()) {
    if (Status written = write_file(options.output, text); !written) return written.error();
  } else {
    if (Status going_on = release_interrupts(); !going_on) return going_on.error();
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
  const std::size_t outside =
      format.needs == Needs::image ? report::count_outside(*set, modules) : 0;
  if (outside != 0) say("{} PCs are left out: they lie in no code that is known", outside);
  // None of the formats has a place for it.
  for (const CoverageSet::Run& run : set->runs)
    if (run.is_cut_off)
      say("{} is cut off: a buffer was full (kcovtool show tells more)", run.name);
  return 0;
}

}  // namespace

void add_export(CLI::App& app, Action& chosen) {
  CLI::App* const command =
      app.add_subcommand("export", "write recordings in a format of other tools");
  const auto options = std::make_shared<ExportOptions>();
  std::string about;
  std::vector<std::string> names;
  for (const Format& format : kFormats) {
    about += fmt::format("{}{}: {}", about.empty() ? "" : "; ", format.name, format.about);
    names.emplace_back(format.name);
  }
  command->add_option("--format", options->format, about)->required()->check(CLI::IsMember(names));
  command
      ->add_option("-o,--output", options->output, "the file to write; standard output without it")
      ->check(output_name());
  command->add_flag("--all", options->all,
                    "what was not reached, too, with 0 hits: lines and functions that kcov covers "
                    "in this kernel (lcov, cobertura, codecov)");
  command->add_option("--source-dir", options->root,
                      "where the kernel's source is: put before the relative names of files");
  command->add_option("--vmlinux", options->vmlinux, "the image of the kernel that ran");
  command
      ->add_option("files", options->files,
                   "recordings, and files that merge wrote: what they reached together")
      ->required();
  command->callback([&chosen, options] { chosen = [options] { return run(*options); }; });
}

}  // namespace kcov::tool
