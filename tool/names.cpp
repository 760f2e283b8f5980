// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "tool/names.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "coverage/recording_file.hpp"
#include "lab/kernel.hpp"
#include "lab/paths.hpp"
#include "report/trace_report.hpp"

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

void name_records(coverage::Recording& recording, std::optional<symbol::Image> image,
                  const std::string& path) {
  if (!image) {
    if (path.empty()) {
      recording.unnamed =
          "no image of the running kernel was found: PCs only; name its vmlinux with --vmlinux";
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
  std::vector<std::uint64_t> pcs;
  for (const symbol::Location& location : recording.locations) pcs.push_back(location.pc);
  recording.locations = image->locate(pcs);
  recording.unnamed.clear();
  report::cut(recording);
}

Result<coverage::Recording> read_named(const std::string& file, const std::string& vmlinux) {
  Result<coverage::Recording> recording = coverage::read_recording(file);
  if (!recording) return recording.error();
  const bool has_names = !recording->tasks.empty() && !recording->tasks[0].entries.empty();
  if (!vmlinux.empty()) {
    Result<symbol::Image> opened = symbol::Image::open(vmlinux);
    if (!opened) return opened.error();
    name_records(*recording, std::move(*opened), {});
  } else if (!has_names && !recording->release.empty()) {
    name_records(*recording, {}, find_image(recording->build_id, recording->release));
  }
  if (!recording->status)
    fmt::print(stderr, "kcovtool: {} was broken off: what was recorded until then follows\n", file);
  return recording;
}

}  // namespace kcov::tool
