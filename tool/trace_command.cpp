// SPDX-License-Identifier: GPL-2.0-only OR MIT
// kcovtool trace: run a command traced, and show what its system calls executed.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>

#include "coverage/recording_file.hpp"
#include "doctor/checks.hpp"
#include "lab/host_program.hpp"
#include "lab/kernel.hpp"
#include "lab/machine.hpp"
#include "lab/paths.hpp"
#include "lab/session.hpp"
#include "report/trace_report.hpp"
#include "support/files.hpp"
#include "support/interrupt.hpp"
#include "support/pc_table.hpp"
#include "symbol/image.hpp"
#include "tool/commands.hpp"
#include "tool/cut_ahead.hpp"
#include "tool/names.hpp"
#include "tool/recorder.hpp"
#include "tool/terminal.hpp"
#include "tool/view.hpp"

namespace fs = std::filesystem;

namespace kcov::tool {
namespace {

using coverage::Recording;
using lab::Kernel;
using lab::Variant;

struct TraceOptions {
  std::string on;
  bool stock = false;
  ViewOptions view;
  std::vector<std::string> writable;
  std::string vmlinux;
  std::string output;
  std::uint64_t words = 1 << 21;
  bool arguments = false;
  unsigned memory_mib = 1024;
  std::vector<std::string> command;

  bool is_recording() const { return !output.empty() && !view.is_given(); }
};

// What was run where, before it is named.
struct Recorded {
  lab::SessionResult session;
  std::string machine_name;
  std::string vmlinux;                    // empty: none was found
  std::unique_ptr<lab::Machine> machine;  // that switches itself off; null: it is this one
  std::unique_ptr<CutAhead> cut_ahead;    // null: with --vmlinux, and natively
};

// Where `report` goes: the command's own standard output is then not in its way.
lab::SessionOptions streams_for(const TraceOptions& options) {
  lab::SessionOptions session;
  session.output = options.output.empty() ? 2 : 1;
  session.passes_signals_on = true;
  session.still_runs = [](int seconds) {
    say("the command was asked to end, and is killed in {} seconds, or with another Ctrl-C",
        seconds);
  };
  return session;
}

// Runs the session; `recorder` may be null.
Result<lab::SessionResult> run_session(lab::Machine& machine, const lab::Request& request,
                                       lab::SessionOptions options, const std::string& name,
                                       Recorder* recorder) {
  if (recorder != nullptr) {
    recorder->set_machine(name);
    options.observers.push_back(recorder);
  }
  return lab::run_session(machine, request, options);
}

using Image = std::optional<symbol::Image>;

Result<Recorded> record_in_lab(const TraceOptions& options, const lab::Request& request,
                               Recorder* recorder) {
  const Variant variant = options.stock ? Variant::stock : Variant::ours;
  const Result<Kernel> kernel =
      lab::current_kernel(options.on.empty() ? "um" : options.on, variant);
  if (!kernel) return kernel.error();
  Result<std::unique_ptr<lab::Machine>> machine = lab::boot(
      *kernel,
      {.memory_mib = std::max(options.memory_mib, static_cast<unsigned>(request.trace_words >> 16)),
       .cpus = 1,
       .writable = request.writable,
       // There is nothing to gain from calls that are unmade while it boots, and made then.
       .kernel_arguments = options.stock ? "" : "kcov_sleep_after=never"});
  if (!machine) return machine.error();
  const std::string name =
      fmt::format("{}, {} kcov", kernel->machine, options.stock ? "stock" : "our");
  lab::SessionOptions session_options = streams_for(options);
  std::unique_ptr<CutAhead> cut_ahead;
  if (options.vmlinux.empty()) {
    cut_ahead = std::make_unique<CutAhead>(kernel->vmlinux().string());
    session_options.observers.push_back(cut_ahead.get());
  }
  Result<lab::SessionResult> session =
      run_session(**machine, request, std::move(session_options), name, recorder);
  if (!session) return session.error();
  (*machine)->let_go();
  return Recorded{std::move(*session), name, kernel->vmlinux().string(), std::move(*machine),
                  std::move(cut_ahead)};
}

Status check_native_kcov() {
  std::error_code ignored;
  if (::access("/sys/kernel/debug/kcov", F_OK) == 0) {
    if (::access("/sys/kernel/debug/kcov", R_OK | W_OK) == 0) return {};
    return Error{
        "cannot trace on this kernel: no permission to open /sys/kernel/debug/kcov; "
        "run kcovtool as root"};
  }
  const Result<doctor::KernelConfig> config = doctor::running_config(doctor::Host::here());
  if (config && !config->is_set("CONFIG_KCOV")) {
    return Error{
        fmt::format("cannot trace on this kernel: it has no kcov (CONFIG_KCOV is not set in {}); "
                    "use one built with CONFIG_KCOV=y, or --on um",
                    config->path())};
  }
  const Result<std::string> mounts = read_file("/proc/self/mounts");
  const bool mounted = mounts && mounts->find(" /sys/kernel/debug debugfs ") != std::string::npos;
  if (!mounted) {
    return Error{
        "cannot trace on this kernel: debugfs is not mounted; as root, run "
        "mount -t debugfs none /sys/kernel/debug"};
  }
  if (::access("/sys/kernel/debug", X_OK) != 0) {
    return Error{
        "cannot trace on this kernel: no permission to enter /sys/kernel/debug; "
        "run kcovtool as root"};
  }
  return Error{
      "cannot trace on this kernel: it has no kcov; use one built with CONFIG_KCOV=y, "
      "or --on um"};
}

Result<Recorded> record_natively(const TraceOptions& options, lab::Request request,
                                 Recorder* recorder) {
  if (Status ready = check_native_kcov(); !ready) return ready.error();
  Result<std::unique_ptr<lab::Machine>> machine = lab::open_native();
  if (!machine) return machine.error();
  request.own_streams = true;
  request.output_to_errors = options.output.empty();
  lab::SessionOptions streams = streams_for(options);
  streams.input = -1;
  streams.command_has_terminal = true;
  const std::string name = "this machine";
  Result<lab::SessionResult> session = run_session(**machine, request, streams, name, recorder);
  if (!session) return session.error();
  std::string vmlinux = find_vmlinux(session->release);
  return Recorded{std::move(*session), name, std::move(vmlinux), nullptr, nullptr};
}

// A program that is linked with kcov_host: there are no system calls in its trace, all of
// it is one entry.
Result<Recording> trace_host(const TraceOptions& options, const lab::Request& request) {
  const lab::SessionOptions streams = streams_for(options);
  Result<lab::HostTrace> trace = lab::trace_host_program(request, streams.output, streams.errors);
  if (!trace) return trace.error();
  Recording report;
  report.status = static_cast<int>(trace->outcome.status);
  report.machine = "the program's own kcov";
  coverage::Task task;
  task.capacity = trace->capacity;
  task.dropped = trace->dropped;
  task.was_full = trace->pcs.size() >= trace->capacity;
  PcTable distinct;
  for (const std::uint64_t pc : trace->pcs) task.records.push_back(distinct.number_of(pc));
  trace->pcs = distinct.pcs();
  report.tasks.push_back(std::move(task));
  for (const std::uint64_t pc : trace->pcs) report.locations.push_back({.pc = pc});
  // The terminal's Ctrl-C was the program's, too. Otherwise as below.
  const int of_program = interrupted() == SIGINT ? interruptions() : 0;
  if (Status going_on = release_interrupts(of_program); !going_on) return going_on.error();
  if (!options.view.raw) {
    report.locations = lab::locate(*trace);
    report::one_entry(report, fs::path(options.command[0]).filename().string());
  }
  return report;
}

Result<Recording> trace_kernel(const TraceOptions& options, const lab::Request& request,
                               Image image, Recorder* recorder) {
  // Outlives who cuts its records.
  Recording report;
  Result<Recorded> recorded = options.on == "native" ? record_natively(options, request, recorder)
                                                     : record_in_lab(options, request, recorder);
  if (recorder != nullptr && recorder->has_begun()) {
    if (Status kept = recorder->flush(); !kept) return kept.error();
    if (!recorded) {
      say("what was recorded until then is in {} (kcovtool show)", options.output);
    }
  }
  if (!recorded) return recorded.error();
  const lab::Outcome& outcome = recorded->session.outcome;
  if (!outcome.message.empty()) return Error{outcome.message, static_cast<int>(outcome.status)};
  if (recorded->session.tasks.empty()) return Error{"the machine sent no trace"};

  report.status = static_cast<int>(outcome.status);
  report.machine = recorded->machine_name;
  report.release = recorded->session.release;
  report.build_id = recorded->session.build_id;
  report.text_start = recorded->session.modules.text_start;
  for (lab::LoadedModule& module : recorded->session.modules.modules)
    report.modules.push_back({module.name, module.start, module.size, module.build_id});
  take_tasks(recorded->session, report);
  if (recorder != nullptr && recorder->has_begun()) {
    if (Status ended = recorder->end(report); !ended) return ended.error();
  }
  if (recorded->session.was_killed)
    say("the command had not ended when it was asked to, and was killed; its trace is whole");
  // From here on a signal ends us as it ends other programs: what is left to do may take long,
  // a reader of the report may keep us waiting, and nothing stays behind.
  if (Status going_on = release_interrupts(recorded->session.interruptions); !going_on) {
    if (recorder != nullptr)
      say("the names in {} are still to be looked up; show does that", options.output);
    return going_on.error();
  }
  // PCs alone need no names, but how many tasks there were is told by them.
  // While that is done, what ended last is still cut.
  if (recorded->cut_ahead != nullptr) image = recorded->cut_ahead->take_image();
  name_records(report, std::move(image), recorded->vmlinux);
  if (recorder != nullptr && recorder->has_begun()) recorder->add_names(report);
  if (report.unnamed.empty()) {
    if (recorded->cut_ahead != nullptr) recorded->cut_ahead->finish(report);
    report::cut(report);
  }
  if (options.view.raw) report.unnamed.clear();
  if (recorded->machine != nullptr) recorded->machine->finish();
  return report;
}

// Options that say where or how a lab kernel runs, and what runs is none.
Status check_options(const TraceOptions& options) {
  if (options.arguments && options.on == "host")
    return Error{"--arguments is of system calls, which --on host does not trace", 2};
  if (!options.view.only.empty() && options.is_recording())
    return Error{"--only is of what is shown; a recording has everything", 2};
  const bool in_lab = options.on != "native" && options.on != "host";
  if (in_lab || (!options.stock && options.writable.empty())) return {};
  return Error{fmt::format("{} is for lab kernels only, and not for --on {}",
                           options.stock ? "--stock" : "--write", options.on),
               2};
}

Result<int> trace(const TraceOptions& options) {
  if (Status possible = check_options(options); !possible) return possible.error();
  if (!options.output.empty()) {
    const Status possible = options.is_recording()
                                ? coverage::RecordingWriter::check(options.output)
                                : check_writable(options.output);
    if (!possible) return possible.error();
  }
  Result<lab::Request> made = lab::request_for(options.command);
  if (!made) return made.error();
  lab::Request& request = *made;
  // Whole pages: a buffer that is not cannot be mapped (contract 8).
  constexpr std::uint64_t kPageWords = 512;
  request.trace_words = (options.words + kPageWords - 1) / kPageWords * kPageWords;
  request.calls = options.arguments;
  Result<std::vector<std::string>> writable = resolve_writable(options.writable);
  if (!writable) return writable.error();
  request.writable = std::move(*writable);
  Image image;
  if (!options.vmlinux.empty()) {
    Result<symbol::Image> opened = symbol::Image::open(options.vmlinux);
    if (!opened) return opened.error();
    image = std::move(*opened);
  }
  Recorder recorder(options.output, options.command);
  Result<Recording> report = options.on == "host"
                                 ? trace_host(options, request)
                                 : trace_kernel(options, request, std::move(image),
                                                options.is_recording() ? &recorder : nullptr);
  if (!report) return report.error();
  report->command = options.command;
  if (!report->unnamed.empty()) say("{}", report->unnamed);
  Status written;
  if (!options.is_recording()) {
    written = write_view(*report, options.view, options.vmlinux, options.output);
  } else {
    written = recorder.has_begun() ? recorder.finish(*report)
                                   : coverage::write_recording(options.output, *report);
    if (!written && recorder.has_begun())
      say("the trace in {} is whole; the names are still to be looked up; show does that",
          options.output);
    fmt::print(stderr, "{}", report::losses_of(*report));
  }
  if (!written) return written.error();
  return *report->status;
}

}  // namespace

void add_trace(CLI::App& app, Action& chosen) {
  CLI::App* const command = app.add_subcommand(
      "trace", "run a command and show what each of its system calls executed in the kernel");
  const auto options = std::make_shared<TraceOptions>();
  command
      ->add_option("--on", options->on,
                   "um, x86_64: a lab kernel (see lab build); native: the running kernel; host: a "
                   "program linked with kcov_host. Without it: um")
      ->check(CLI::IsMember({"um", "x86_64", "native", "host"}));
  command->add_flag("--stock", options->stock,
                    "on a lab kernel: the kernel's own kcov instead of ours");
  add_view(*command, options->view);
  command->add_option("--vmlinux", options->vmlinux, "the kernel's image, for names");
  add_writable(*command, options->writable);
  command
      ->add_option("-o,--output", options->output,
                   "record into this file, for show; with --text, --raw or --json: write that "
                   "there. Standard output is left to the command (without it the command's goes "
                   "to standard error)")
      ->check(output_name());
  command->add_flag("--arguments", options->arguments,
                    "what each system call was given and answered, too; takes two stops for each");
  command
      ->add_option("--buffer", options->words,
                   "size of the kcov buffer in words of 8 bytes, rounded up to whole pages")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{2}, std::uint64_t{268434944}));
  command
      ->add_option("--memory", options->memory_mib,
                   "MiB that a lab's machine may use, the buffers of all tasks among it")
      ->capture_default_str()
      ->check(CLI::Range(64u, 65536u));
  add_command_to_run(*command, options->command);
  command->callback([&chosen, options] { chosen = [options] { return trace(*options); }; });
}

}  // namespace kcov::tool
