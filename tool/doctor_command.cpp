// SPDX-License-Identifier: GPL-2.0-only OR MIT
// kcovtool doctor: why there is no coverage, and what to do about it.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <utility>

#include "doctor/checks.hpp"
#include "lab/kernel.hpp"
#include "support/interrupt.hpp"
#include "tool/commands.hpp"
#include "tool/names.hpp"

namespace kcov::tool {
namespace {

using doctor::Examination;
using doctor::Section;

// What `doctor` returns where something is wrong.
constexpr int kFoundProblems = 1;

struct DoctorOptions {
  std::string on;
  std::string vmlinux;
  std::string function;
  std::string source;
  std::string recording;
  bool json = false;

  // The lab's machine that is meant.
  std::string machine() const { return on.empty() ? "um" : on; }
};

// This machine. What was not asked for is looked at, too, where nothing was, but does not count.
Examination examine_machine(const DoctorOptions& options) {
  const doctor::Host host = doctor::Host::here();
  const bool all = options.on.empty();
  Examination examination;
  const auto add = [&examination](Section section, bool decides) {
    section.decides = decides;
    examination.sections.push_back(std::move(section));
  };
  if (all || options.on == "native") add(doctor::check_running_kernel(host), !all);
  if (options.on != "native" && options.on != "host") {
    const bool is_built = lab::current_kernel(options.machine(), lab::Variant::ours).ok();
    add(doctor::check_lab(host, options.machine()), true);
    add(doctor::check_build(host, options.machine()), !is_built);
  }
  if (all || options.on == "host") {
    Section section = doctor::check_compilers(host);
    doctor::check_unmaking(section, host);
    add(std::move(section), !all);
  }
  return examination;
}

// The image that is meant: the one that was named, or that of the kernel that is.
Result<std::string> image_path(const DoctorOptions& options) {
  if (!options.vmlinux.empty()) return options.vmlinux;
  if (options.on == "native") {
    const doctor::Host host = doctor::Host::here();
    std::string found = find_vmlinux(host.release);
    if (!found.empty()) return found;
    return Error{"no image of the running kernel was found; name its vmlinux with --vmlinux"};
  }
  return find_lab_image(options.machine(), lab::Variant::ours);
}

Result<Examination> examine_image(const DoctorOptions& options) {
  const Result<std::string> path = image_path(options);
  if (!path) return path.error();
  Result<symbol::Image> image = symbol::Image::open(*path);
  if (!image) return image.error();
  Examination examination;
  if (options.function.empty()) {
    examination.sections.push_back(doctor::check_image(*image));
    return examination;
  }
  const Result<doctor::KernelTree> tree = doctor::find_tree(options.source, *path);
  if (!tree) return tree.error();
  examination.sections.push_back(doctor::check_function(*image, options.function, *tree));
  return examination;
}

Result<Examination> examine_recording(const DoctorOptions& options) {
  const Result<coverage::Recording> recording = read_named(options.recording, options.vmlinux);
  if (!recording) return recording.error();
  Examination examination;
  examination.sections.push_back(doctor::check_recording(*recording, options.recording));
  return examination;
}

Result<Examination> examine(const DoctorOptions& options) {
  if (!options.recording.empty()) {
    if (options.on.empty() && options.function.empty() && options.source.empty())
      return examine_recording(options);
    return Error{
        "a recording is looked at by itself: --on, --function and --kernel-source are for "
        "kernels",
        2};
  }
  if (!options.source.empty() && options.function.empty())
    return Error{"--kernel-source says why a function is not instrumented: name one (--function)",
                 2};
  if (options.function.empty() && options.vmlinux.empty()) return examine_machine(options);
  if (options.on == "host")
    return Error{"--function and --vmlinux are for kernels, and not for --on host", 2};
  return examine_image(options);
}

Result<int> examine_and_tell(const DoctorOptions& options) {
  const Result<Examination> examination = examine(options);
  if (!examination) return examination.error();
  if (Status going_on = release_interrupts(); !going_on) return going_on.error();
  const std::string text =
      options.json ? doctor::json_of(*examination) : doctor::text_of(*examination);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return examination->is_well() ? 0 : kFoundProblems;
}

}  // namespace

void add_doctor(CLI::App& app, Action& chosen) {
  CLI::App* const command = app.add_subcommand(
      "doctor",
      "why there is no coverage: of this machine, of a kernel's image, of a function, in a "
      "recording; exit status 1 where something is wrong");
  const auto options = std::make_shared<DoctorOptions>();
  command
      ->add_option("--on,--machine", options->on,
                   "look at what trace --on needs; without it at everything, and the exit status "
                   "is that of um")
      ->check(CLI::IsMember({"um", "x86_64", "native", "host"}));
  command
      ->add_option("--vmlinux", options->vmlinux,
                   "a kernel's image: is it instrumented? With a recording: for the names")
      ->check(not_empty());
  command
      ->add_option("--function", options->function,
                   "why this function has no coverage; in the image of --on (the lab's um), or "
                   "--vmlinux")
      ->check(not_empty("a function"));
  command
      ->add_option("--kernel-source", options->source,
                   "the tree that image was built of, to name the line of a Makefile or the "
                   "attribute; without it the one that lab build keeps")
      ->check(not_empty());
  command->add_flag("--json", options->json, "for programs; see kcovtool-doctor(1)");
  command->add_option("recording", options->recording, "a recording: why is something missing?")
      ->check(not_empty());
  command->callback(
      [&chosen, options] { chosen = [options] { return examine_and_tell(*options); }; });
}

}  // namespace kcov::tool
