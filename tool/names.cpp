// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "tool/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>
#include <vector>

#include "coverage/recording_file.hpp"
#include "lab/kernel.hpp"
#include "lab/paths.hpp"
#include "report/trace_report.hpp"
#include "tool/terminal.hpp"

namespace fs = std::filesystem;

namespace kcov::tool {

std::string find_vmlinux(const std::string& release) {
  for (const std::string& candidate : lab::usual_images(release)) {
    std::error_code ignored;
    if (fs::exists(candidate, ignored)) return candidate;
  }
  return {};
}

std::string find_image(const std::string& build_id, const std::string& release) {
  for (const lab::Kernel& kernel : lab::list_kernels())
    if (kernel.build_id == build_id) return kernel.vmlinux().string();
  return find_vmlinux(release);
}

Result<std::string> find_lab_image(const std::string& machine, lab::Variant variant) {
  const Result<lab::Kernel> kernel = lab::current_kernel(machine, variant);
  if (!kernel) return Error{kernel.error().message + ", or name an image with --vmlinux"};
  return kernel->vmlinux().string();
}

namespace {

// The module's name, as /proc/modules has it, of a file; empty: it is no module's.
std::string module_of(const fs::path& file) {
  std::string name = file.filename().string();
  const std::size_t end = name.find(".ko");
  if (end == std::string::npos) return {};
  const std::string_view rest = std::string_view(name).substr(end);
  if (rest != ".ko" && rest != ".ko.xz" && rest != ".ko.zst" && rest != ".ko.gz") return {};
  name.resize(end);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// The files that may be one of those modules.
std::multimap<std::string, fs::path> module_files(const std::vector<coverage::Module>& modules,
                                                  const std::vector<fs::path>& directories) {
  std::multimap<std::string, fs::path> files;
  for (const fs::path& directory : directories) {
    std::error_code error;
    fs::recursive_directory_iterator at(directory, fs::directory_options::skip_permission_denied,
                                        error);
    for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
      const std::string name = module_of(at->path());
      const auto is_it = [&](const coverage::Module& module) { return module.name == name; };
      if (std::any_of(modules.begin(), modules.end(), is_it)) files.emplace(name, at->path());
    }
  }
  return files;
}

// The modules' addresses become those that PCs have.
void settle_modules(coverage::Recording& recording, const symbol::Image& image) {
  const std::optional<std::uint64_t> linked = image.find_symbol("_stext");
  if (recording.text_start == 0 || !linked) return;
  for (coverage::Module& module : recording.modules) module.start -= recording.text_start - *linked;
  recording.text_start = 0;
}

}  // namespace

std::vector<MissingModule> add_modules(symbol::Image& image,
                                       const std::vector<coverage::Module>& modules,
                                       const std::string& release) {
  std::vector<MissingModule> missing;
  if (modules.empty()) return missing;
  const fs::path own = fs::absolute(image.path()).parent_path();
  // A recording may say anything.
  const bool is_name =
      !release.empty() && release.find('/') == std::string::npos && release != "..";
  const fs::path installed = fs::path("/lib/modules") / (is_name ? release : "unknown");
  const auto files = module_files(modules, {own, installed});
  for (const coverage::Module& module : modules) {
    std::string why =
        fmt::format("it is neither below {} nor {}", own.string(), installed.string());
    const auto [begin, end] = files.equal_range(module.name);
    for (auto file = begin; file != end && !why.empty(); ++file) {
      if (file->second.extension() != ".ko") {
        why = fmt::format("{} is compressed; unpack it beside that", file->second.string());
        continue;
      }
      const Status added = image.add_module(file->second.string(), module.start, module.build_id);
      why = added ? "" : added.error().message;
    }
    if (!why.empty()) missing.push_back({module, why});
  }
  return missing;
}

symbol::Locations all_points(symbol::Image& image, const coverage::CoverageSet& set) {
  image.keep_answers_in(lab::cache_directory() / "symbols");
  const std::vector<MissingModule> missing = add_modules(image, set.modules, set.release);
  symbol::Locations points = image.locate(image.coverable_pcs());
  image.store_answers(points);
  if (points.empty() || missing.empty()) return points;
  for (const MissingModule& one : missing) {
    say("what there is to cover in the module {} is not known, and what was "
        "reached stands for it: {}",
        one.module.name, one.why);
    for (const symbol::Location& location : set.locations)
      if (one.module.contains(location.pc)) points.push_back(location);
  }
  points.adopt_all_of(set.locations);
  std::sort(points.begin(), points.end(),
            [](const symbol::Location& a, const symbol::Location& b) { return a.pc < b.pc; });
  return points;
}

void name_records(coverage::Recording& recording, std::optional<symbol::Image> image,
                  const std::string& path) {
  if (!image) {
    if (path.empty()) {
      recording.unnamed =
          "no image of the kernel that ran was found: PCs only; name its vmlinux with --vmlinux";
      return;
    }
    Result<symbol::Image> found = symbol::Image::open(path);
    if (!found) {
      recording.unnamed = found.error().message + ": PCs only";
      return;
    }
    image = std::move(*found);
  }
  if (recording.build_id.empty()) {
    recording.unnamed = fmt::format(
        "it cannot be told whether {} is the kernel that ran, which does not say its build-id "
        "(/sys/kernel/notes): PCs only",
        image->path());
    return;
  }
  if (image->build_id() != recording.build_id) {
    recording.unnamed = fmt::format(
        "{} is not the kernel that ran (its build-id is {}, the kernel's {}): PCs only; name that "
        "kernel's vmlinux, or leave --vmlinux out",
        image->path(), image->build_id().empty() ? "missing" : image->build_id(),
        recording.build_id);
    return;
  }
  if (!image->has_debug_info()) {
    recording.unnamed = fmt::format("{} has no debug information: PCs only", image->path());
    return;
  }
  image->keep_answers_in(lab::cache_directory() / "symbols");
  settle_modules(recording, *image);
  if (recording.text_start == 0) {
    for (const MissingModule& missing :
         add_modules(*image, coverage::reached_modules(recording.modules, recording.locations),
                     recording.release)) {
      say("PCs of the module {} have no names: {}", missing.module.name, missing.why);
    }
  }
  std::vector<std::uint64_t> pcs;
  for (const symbol::Location& location : recording.locations) pcs.push_back(location.pc);
  recording.locations = image->locate(pcs);
  image->store_answers(recording.locations);
  recording.unnamed.clear();
}

Status check_names(const coverage::Recording& recording, const std::string& file,
                   const std::string& vmlinux) {
  if (vmlinux.empty() || recording.unnamed.empty()) return {};
  constexpr std::string_view kElsewhere = ": PCs only";
  std::string why = recording.unnamed;
  if (const std::size_t at = why.find(kElsewhere); at != std::string::npos)
    why.erase(at, kElsewhere.size());
  return Error{fmt::format("cannot name the PCs of {}: {}", file, why)};
}

Result<coverage::Recording> read_named(const std::string& file, const std::string& vmlinux) {
  Result<coverage::Recording> recording = coverage::read_recording(file);
  if (!recording) return recording.error();
  const bool has_names = !recording->tasks.empty() && !recording->tasks[0].entries.empty();
  if (!vmlinux.empty()) {
    Result<symbol::Image> opened = symbol::Image::open(vmlinux);
    if (!opened) return opened.error();
    for (coverage::Task& task : recording->tasks) task.entries.clear();
    name_records(*recording, std::move(*opened), {});
  } else if (!has_names && !recording->release.empty()) {
    name_records(*recording, {}, find_image(recording->build_id, recording->release));
  }
  if (recording->unnamed.empty()) report::cut(*recording);
  if (!recording->status)
    say("{} was broken off: what had come until then follows, without what the tasks that ran had "
        "in "
        "their buffers",
        file);
  return recording;
}

}  // namespace kcov::tool
