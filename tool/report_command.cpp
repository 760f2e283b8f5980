// SPDX-License-Identifier: GPL-2.0-only OR MIT
// kcovtool report: recordings as HTML.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "coverage/coverage_set.hpp"
#include "lab/paths.hpp"
#include "report/html.hpp"
#include "tool/commands.hpp"
#include "tool/names.hpp"
#include "tool/sets.hpp"
#include "tool/terminal.hpp"

namespace fs = std::filesystem;

namespace kcov::tool {
namespace {

namespace html = report::html;

struct ReportOptions {
  std::vector<std::string> files;
  std::string output = "kcov-report";
  std::string source;
  std::string vmlinux;
  std::string title;
};

// The image of the kernel that ran, if it is at hand. A recording's own names do without.
std::optional<symbol::Image> image_of(const coverage::CoverageSet& set,
                                      const std::string& vmlinux) {
  if (set.build_id.empty()) return std::nullopt;
  const std::string path = vmlinux.empty() ? find_image(set.build_id, set.release) : vmlinux;
  if (path.empty()) return std::nullopt;
  Result<symbol::Image> image = symbol::Image::open(path);
  if (!image || image->build_id() != set.build_id || !image->has_debug_info()) return std::nullopt;
  return std::move(*image);
}

html::SourceFinder source_of(const ReportOptions& options,
                             const std::optional<symbol::Image>& image) {
  std::error_code error;
  if (options.source.empty()) {
    if (!image) return html::SourceFinder();
    // Kept when the image was built: it is that source, whatever its time.
    const fs::path kept = fs::path(image->path()).parent_path() / "source";
    return html::SourceFinder(fs::is_directory(kept, error) ? kept : fs::path());
  }
  if (!image) return html::SourceFinder(options.source);
  const fs::file_time_type built = fs::last_write_time(image->path(), error);
  if (error) return html::SourceFinder(options.source);
  return html::SourceFinder(options.source, built);
}

Result<int> run(const ReportOptions& options) {
  std::error_code error;
  if (!options.source.empty() && !fs::is_directory(options.source, error))
    return Error{"cannot take the source from " + options.source + ": it is no directory", 2};
  if (fs::equivalent(options.output, ".", error)) {
    return Error{
        "cannot write a report into the working directory, which it would take the place of: "
        "name another with -o",
        2};
  }
  Result<html::ReportDirectory> directory = html::ReportDirectory::create(options.output);
  if (!directory) return directory.error();
  const Result<coverage::CoverageSet> set = read_set(options.files, options.vmlinux);
  if (!set) return set.error();
  if (!set->unnamed.empty()) say("{}", set->unnamed);
  std::optional<symbol::Image> image = image_of(*set, options.vmlinux);
  html::Kernel kernel;
  if (image) {
    kernel.points = all_points(*image, *set);
    kernel.is_behind_call = [&image](std::uint64_t pc) { return image->is_behind_call(pc); };
  }
  const Result<html::Summary> summary = html::write_report(
      *set, std::move(kernel), source_of(options, image), options.title, *directory);
  if (!summary) return summary.error();
  if (Status done = directory->finish(); !done) return done.error();
  const std::string page = (fs::path(options.output) / "index.html").string();
  if (summary->points != 0) {
    fmt::print("{}: {} of {} points covered, {:.1f} %\n", page, summary->covered, summary->points,
               100.0 * summary->covered / summary->points);
  } else {
    fmt::print(
        "{}: {} points covered; how many there are is not known without the kernel's image\n", page,
        summary->covered);
  }
  return 0;
}

}  // namespace

void add_report(CLI::App& app, Action& chosen) {
  CLI::App* const command =
      app.add_subcommand("report", "write recordings as HTML: what was covered, line by line");
  const auto options = std::make_shared<ReportOptions>();
  command
      ->add_option("-o,--output", options->output,
                   "the directory to write; an earlier report there is replaced")
      ->check(output_name())
      ->capture_default_str();
  command->add_option("--source-dir", options->source,
                      "where the kernel's source is; without it what `lab build` kept is taken");
  command->add_option("--vmlinux", options->vmlinux, "the image of the kernel that ran");
  command->add_option("--title", options->title, "what the page is called; without it the command");
  command
      ->add_option("files", options->files, "recordings, and files that merge wrote, of one kernel")
      ->required();
  command->callback([&chosen, options] { chosen = [options] { return run(*options); }; });
}

}  // namespace kcov::tool
