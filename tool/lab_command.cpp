// SPDX-License-Identifier: GPL-2.0-only OR MIT
// kcovtool lab build | list | prune | run
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "lab/build.hpp"
#include "lab/configuration.hpp"
#include "lab/kernel.hpp"
#include "lab/machine.hpp"
#include "lab/session.hpp"
#include "support/files.hpp"
#include "tool/commands.hpp"

namespace kcov::tool {
namespace {

using lab::Kernel;
using lab::Variant;

struct LabOptions {
  std::string machine = "um";
  bool stock = false;
  std::string source;
  bool json = false;
  std::vector<std::string> writable;
  std::string log;
  unsigned memory_mib = 256;
  unsigned cpus = 1;
  std::string kernel_arguments;
  bool count_instructions = false;
  int hang_seconds = 30;
  std::vector<std::string> command;

  Variant variant() const { return stock ? Variant::stock : Variant::ours; }
};

// One line that is rewritten on a terminal; in a pipe, a line for each step only.
class Progress {
 public:
  explicit Progress(int expected) : expected_(expected) {}
  ~Progress() { clear(); }
  void step(std::string_view text) {
    clear();
    fmt::print(stderr, "{}\n", text);
    step_ = text;
  }
  void object(int objects, std::string_view name) {
    if (!terminal_) return;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - start_);
    fmt::print(stderr, "\r\033[K{:4} of about {} objects, {} s: {}", objects, expected_,
               seconds.count(), name);
    dirty_ = true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  void clear() {
    if (dirty_) fmt::print(stderr, "\r\033[K");
    dirty_ = false;
  }
  int expected_;
  bool terminal_ = ::isatty(2) != 0;
  bool dirty_ = false;
  std::string step_;
  Clock::time_point start_ = Clock::now();
};

std::string describe(const Kernel& kernel) {
  return fmt::format("{} {} {} {}", kernel.machine, lab::name_of(kernel.variant), kernel.release,
                     kernel.vmlinux().string());
}

Result<int> build(const LabOptions& options) {
  // As many objects as the small configuration has; a hint, not a promise.
  Progress progress(lab::base_of(options.machine) == "um" ? 690 : 880);
  lab::BuildRequest request;
  request.machine = options.machine;
  request.variant = options.variant();
  request.source = options.source;
  request.on_step = [&](std::string_view step) { progress.step(step); };
  request.on_object = [&](int objects, std::string_view name) { progress.object(objects, name); };
  const Result<lab::BuildResult> built = lab::build_kernel(request);
  if (!built) return built.error();
  fmt::print("{}{}\n", built->was_there ? "up to date: " : "built: ", describe(built->kernel));
  return 0;
}

Result<int> list(const LabOptions& options) {
  if (Status readable = lab::check_kernels_directory(); !readable) return readable.error();
  const std::vector<Kernel> kernels = lab::list_kernels();
  if (options.json) {
    nlohmann::json json = nlohmann::json::array();
    for (const Kernel& kernel : kernels) {
      json.push_back({{"machine", kernel.machine},
                      {"variant", lab::name_of(kernel.variant)},
                      {"release", kernel.release},
                      {"vmlinux", kernel.vmlinux().string()},
                      {"build_id", kernel.build_id},
                      {"current", kernel.current}});
    }
    fmt::print("{}\n", json.dump(2));
    return 0;
  }
  if (kernels.empty()) fmt::print("no kernel has been built: run kcovtool lab build\n");
  for (const Kernel& kernel : kernels) {
    fmt::print("{} {} build-id {}{}\n", kernel.current ? "*" : " ", describe(kernel),
               kernel.build_id, kernel.current ? "" : " (superseded: lab prune)");
  }
  return 0;
}

Result<int> prune() {
  const Result<std::vector<Kernel>> removed = lab::remove_superseded_kernels();
  if (!removed) return removed.error();
  for (const Kernel& kernel : *removed) fmt::print("removed: {}\n", describe(kernel));
  return 0;
}

Result<int> run(const LabOptions& options) {
  if (!options.log.empty()) {
    if (Status writable = check_writable(options.log); !writable) return writable.error();
  }
  const Result<Kernel> kernel = lab::current_kernel(options.machine, options.variant());
  if (!kernel) return kernel.error();
  Result<lab::Request> made = lab::request_for(options.command);
  if (!made) return made.error();
  lab::Request& request = *made;
  Result<std::vector<std::string>> writable = resolve_writable(options.writable);
  if (!writable) return writable.error();
  request.writable = std::move(*writable);
  Result<std::unique_ptr<lab::Machine>> machine =
      lab::boot(*kernel, {.memory_mib = options.memory_mib,
                          .cpus = options.cpus,
                          .writable = request.writable,
                          .kernel_arguments = options.kernel_arguments,
                          .count_instructions = options.count_instructions});
  if (!machine) return machine.error();
  lab::SessionOptions session;
  session.hang_seconds = options.hang_seconds;
  const Result<lab::SessionResult> result = lab::run_session(**machine, request, session);
  if (result) (*machine)->finish();
  if (!options.log.empty()) {
    if (Status written = write_file(options.log, (*machine)->log()); !written) {
      return written.error();
    }
  }
  if (!result) return result.error();
  if (!result->outcome.message.empty()) {
    return Error{result->outcome.message, static_cast<int>(result->outcome.status)};
  }
  return static_cast<int>(result->outcome.status);
}

}  // namespace

void add_lab(CLI::App& app, Action& chosen) {
  CLI::App* const group = app.add_subcommand("lab", "kernels to run commands on");
  group->require_subcommand(1);
  const auto options = std::make_shared<LabOptions>();

  const auto add_kernel_choice = [&](CLI::App* command) {
    add_machine(*command, options->machine);
    command->add_flag("--stock", options->stock, "the kernel's own kcov instead of ours");
  };

  CLI::App* const building = group->add_subcommand("build", "build a kernel, unless it is there");
  add_kernel_choice(building);
  building->add_option("--source", options->source,
                       "kernel tree or tarball; Debian's linux-source package without it");
  building->callback([&chosen, options] { chosen = [options] { return build(*options); }; });

  CLI::App* const listing = group->add_subcommand("list", "the kernels that are there");
  listing->add_flag("--json", options->json, "for programs");
  listing->callback([&chosen, options] { chosen = [options] { return list(*options); }; });

  CLI::App* const pruning =
      group->add_subcommand("prune", "remove the kernels that lab list calls superseded");
  pruning->callback([&chosen] { chosen = prune; });

  CLI::App* const running = group->add_subcommand(
      "run", "boot a kernel and run a command in it, as its root; its exit status is ours");
  add_kernel_choice(running);
  add_writable(*running, options->writable);
  running->add_option("--log", options->log, "write what the kernel printed to this file")
      ->check(not_empty());
  running->add_option("--memory", options->memory_mib, "MiB that the machine may use")
      ->capture_default_str()
      ->check(CLI::Range(64u, 65536u));
  running->add_option("--cpus", options->cpus, "CPUs of the machine; more than one on x86_64 only")
      ->capture_default_str()
      ->check(CLI::Range(1u, 8u));
  running
      ->add_option("--kernel-arguments", options->kernel_arguments,
                   "more for the kernel's command line (kcov_sleep_after=never)")
      ->check(not_empty());
  running->add_flag("--count-instructions", options->count_instructions,
                    "on x86_64: the machine's clocks count instructions, one a nanosecond");
  running
      ->add_option("--hang-timeout", options->hang_seconds,
                   "seconds of silence after which the machine is taken for dead")
      ->capture_default_str()
      ->check(CLI::Range(3, 86400));
  add_command_to_run(*running, options->command);
  running->callback([&chosen, options] { chosen = [options] { return run(*options); }; });
}

}  // namespace kcov::tool
