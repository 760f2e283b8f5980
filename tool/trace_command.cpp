// SPDX-License-Identifier: GPL-2.0-only OR MIT
// kcovtool trace: run a command traced, and show what its system calls executed.
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>
#include <numeric>
#include <optional>

#include "lab/host_program.hpp"
#include "lab/kernel.hpp"
#include "lab/machine.hpp"
#include "lab/paths.hpp"
#include "lab/session.hpp"
#include "report/trace_report.hpp"
#include "support/files.hpp"
#include "support/interrupt.hpp"
#include "symbol/image.hpp"
#include "tool/commands.hpp"

namespace fs = std::filesystem;

namespace kcov::tool {
namespace {

using lab::Kernel;
using lab::Variant;
using report::TraceReport;

struct Options {
  std::string on;
  bool stock = false;
  bool raw = false;
  bool json = false;
  bool full = false;
  std::vector<std::string> writable;
  std::string vmlinux;
  std::string output;
  std::uint64_t words = 1 << 20;
  unsigned memory_mib = 1024;
  std::vector<std::string> command;
};

// What was run where, before it is named.
struct Recorded {
  lab::SessionResult session;
  std::string machine;
  std::string vmlinux;  // empty: none was found
};

// Where `report` goes: the command's own standard output is then not in its way.
lab::SessionOptions streams_for(const Options& options) {
  lab::SessionOptions session;
  session.output = options.output.empty() ? 2 : 1;
  return session;
}

Result<Recorded> record_in_lab(const Options& options, const lab::Request& request) {
  const Variant variant = options.stock ? Variant::stock : Variant::ours;
  const Result<Kernel> kernel =
      lab::current_kernel(options.on.empty() ? "um" : options.on, variant);
  if (!kernel) return kernel.error();
  Result<std::unique_ptr<lab::Machine>> machine = lab::boot(
      *kernel,
      {.memory_mib = std::max(options.memory_mib, static_cast<unsigned>(request.trace_words >> 16)),
       .cpus = 1,
       .writable = request.writable});
  if (!machine) return machine.error();
  Result<lab::SessionResult> session = lab::run_session(**machine, request, streams_for(options));
  if (!session) return session.error();
  (*machine)->finish();
  return Recorded{std::move(*session),
                  fmt::format("{}, {} kcov", kernel->machine, options.stock ? "stock" : "our"),
                  kernel->vmlinux().string()};
}

// The image of the running kernel, where distributions and kernel builders put it.
std::string find_vmlinux(const std::string& release) {
  for (const std::string& candidate :
       {"/usr/lib/debug/boot/vmlinux-" + release,
        "/usr/lib/debug/lib/modules/" + release + "/vmlinux",
        "/lib/modules/" + release + "/build/vmlinux", "/boot/vmlinux-" + release}) {
    std::error_code ignored;
    if (fs::exists(candidate, ignored)) return candidate;
  }
  return {};
}

Status check_native_kcov() {
  std::error_code ignored;
  if (::access("/sys/kernel/debug/kcov", F_OK) == 0) {
    if (::access("/sys/kernel/debug/kcov", R_OK | W_OK) == 0) return {};
    return Error{
        "cannot trace on this kernel: no permission to open /sys/kernel/debug/kcov; "
        "run kcovtool as root"};
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

Result<Recorded> record_natively(const Options& options, lab::Request request) {
  if (Status ready = check_native_kcov(); !ready) return ready.error();
  Result<std::unique_ptr<lab::Machine>> machine = lab::open_native();
  if (!machine) return machine.error();
  request.own_streams = true;
  request.output_to_errors = options.output.empty();
  lab::SessionOptions streams = streams_for(options);
  streams.input = -1;
  streams.command_has_terminal = true;
  Result<lab::SessionResult> session = lab::run_session(**machine, request, streams);
  if (!session) return session.error();
  std::string vmlinux = find_vmlinux(session->release);
  return Recorded{std::move(*session), "this machine", std::move(vmlinux)};
}

using Image = std::optional<symbol::Image>;

std::vector<std::uint64_t> pcs_of(const TraceReport& report) {
  std::vector<std::uint64_t> pcs;
  for (const symbol::Location& location : report.locations) pcs.push_back(location.pc);
  return pcs;
}

// The tasks with their records; the locations are PCs yet.
void set_tasks(lab::SessionResult& session, TraceReport& report) {
  for (const std::uint64_t pc : session.pcs.pcs()) report.locations.push_back({.pc = pc});
  for (lab::TaskTrace& traced : session.tasks) {
    report::TaskReport task;
    task.id = traced.header.id;
    task.process = traced.header.process;
    task.parent = traced.header.parent;
    task.untraced = traced.header.untraced;
    task.capacity = traced.header.capacity;
    task.was_full = traced.end.was_full;
    if (traced.end.dropped_known) task.dropped = traced.end.dropped;
    for (lab::TaskProgram& program : traced.programs)
      task.programs.push_back({program.records, std::move(program.arguments)});
    task.records = std::move(traced.records);
    report.tasks.push_back(std::move(task));
  }
}

// Names and cuts, or says in `unnamed` why there are no names. `image`: what --vmlinux
// named.
void name_records(const Recorded& recorded, Image image, TraceReport& report) {
  if (!image) {
    if (recorded.vmlinux.empty()) {
      report.unnamed =
          "no image of the running kernel was found: PCs only; name its vmlinux with --vmlinux";
      return;
    }
    Result<symbol::Image> found = symbol::Image::open(recorded.vmlinux);
    if (!found) {
      report.unnamed = found.error().message + ": PCs only";
      return;
    }
    image = std::move(*found);
  }
  const std::string& path = image->path();
  if (report.build_id.empty()) {
    report.unnamed = fmt::format(
        "it cannot be told whether {} is the kernel that ran, which does not say its build-id "
        "(/sys/kernel/notes): PCs only",
        path);
    return;
  }
  if (image->build_id() != report.build_id) {
    report.unnamed = fmt::format(
        "{} is not the kernel that ran (its build-id is {}, the kernel's {}): PCs only; name that "
        "kernel's vmlinux, or leave --vmlinux out",
        path, image->build_id().empty() ? "missing" : image->build_id(), report.build_id);
    return;
  }
  if (!image->has_debug_info()) {
    report.unnamed = fmt::format("{} has no debug information: PCs only", path);
    return;
  }
  image->keep_answers_in(lab::cache_directory() / "symbols");
  report.locations = image->locate(pcs_of(report));
  report::cut(report);
}

// Columns that a line of the report may take; 0: as many as it needs.
std::size_t report_width(const Options& options) {
  constexpr std::size_t kUsual = 100;
  if (options.full) return 0;
  winsize size{};
  if (::isatty(1) == 0 || ::ioctl(1, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return std::max<std::size_t>(size.ws_col, 80);
}

Status write_report(const Options& options, const std::string& text) {
  if (!options.output.empty()) {
    catch_interrupts();
    return write_file(options.output, text);
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  return {};
}

// From here on a signal ends us as it ends other programs: what is left to do may take long,
// a reader of the report may keep us waiting, and nothing stays behind.
Status let_signals_end_us(const Options& options) {
  const bool was_for_command =
      (options.on == "native" || options.on == "host") && interrupted() == SIGINT;
  Status released = release_interrupts();
  return was_for_command ? Status{} : released;
}

// A program that is linked with kcov_host: there are no system calls in its trace, all of
// it is one entry.
Result<TraceReport> trace_host(const Options& options, const lab::Request& request) {
  const lab::SessionOptions streams = streams_for(options);
  Result<lab::HostTrace> trace = lab::trace_host_program(request, streams.output, streams.errors);
  if (!trace) return trace.error();
  TraceReport report;
  report.status = static_cast<int>(trace->outcome.status);
  report.machine = "the program's own kcov";
  report::TaskReport task;
  task.capacity = trace->capacity;
  task.dropped = trace->dropped;
  task.was_full = trace->pcs.size() >= trace->capacity;
  task.records.resize(trace->pcs.size());
  std::iota(task.records.begin(), task.records.end(), std::uint32_t{0});
  report.tasks.push_back(std::move(task));
  for (const std::uint64_t pc : trace->pcs) report.locations.push_back({.pc = pc});
  if (Status going_on = let_signals_end_us(options); !going_on) return going_on.error();
  if (!options.raw) {
    report.locations = lab::locate(*trace);
    report::one_entry(report, fs::path(options.command[0]).filename().string());
  }
  return report;
}

Result<TraceReport> trace_kernel(const Options& options, const lab::Request& request, Image image) {
  Result<Recorded> recorded =
      options.on == "native" ? record_natively(options, request) : record_in_lab(options, request);
  if (!recorded) return recorded.error();
  const lab::Outcome& outcome = recorded->session.outcome;
  if (!outcome.message.empty()) return Error{outcome.message, static_cast<int>(outcome.status)};
  if (recorded->session.tasks.empty()) return Error{"the machine sent no trace"};

  TraceReport report;
  report.status = static_cast<int>(outcome.status);
  report.machine = recorded->machine;
  report.release = recorded->session.release;
  report.build_id = recorded->session.build_id;
  set_tasks(recorded->session, report);
  if (Status going_on = let_signals_end_us(options); !going_on) return going_on.error();
  // PCs alone need no names, but how many tasks there were is told by them.
  name_records(*recorded, std::move(image), report);
  if (options.raw) report.unnamed.clear();
  return report;
}

// Options that say where or how a lab kernel runs, and what runs is none.
Status check_options(const Options& options) {
  const bool in_lab = options.on != "native" && options.on != "host";
  if (in_lab || (!options.stock && options.writable.empty())) return {};
  return Error{fmt::format("{} is for lab kernels only, and not for --on {}",
                           options.stock ? "--stock" : "--write", options.on),
               2};
}

Result<int> trace(const Options& options) {
  if (Status possible = check_options(options); !possible) return possible.error();
  if (!options.output.empty()) {
    if (Status possible = check_writable(options.output); !possible) return possible.error();
  }
  Result<lab::Request> made = lab::request_for(options.command);
  if (!made) return made.error();
  lab::Request& request = *made;
  // Whole pages: a buffer that is not cannot be mapped (contract 8).
  constexpr std::uint64_t kPageWords = 512;
  request.trace_words = (options.words + kPageWords - 1) / kPageWords * kPageWords;
  Result<std::vector<std::string>> writable = resolve_writable(options.writable);
  if (!writable) return writable.error();
  request.writable = std::move(*writable);
  Image image;
  if (!options.vmlinux.empty()) {
    Result<symbol::Image> opened = symbol::Image::open(options.vmlinux);
    if (!opened) return opened.error();
    image = std::move(*opened);
  }
  Result<TraceReport> report = options.on == "host"
                                   ? trace_host(options, request)
                                   : trace_kernel(options, request, std::move(image));
  if (!report) return report.error();
  report->command = options.command;
  if (!report->unnamed.empty()) fmt::print(stderr, "kcovtool: {}\n", report->unnamed);

  const std::string text = options.raw    ? report::raw_of(*report)
                           : options.json ? report::json_of(*report)
                                          : report::text_of(*report, report_width(options));
  if (Status written = write_report(options, text); !written) return written.error();
  // What only programs read would lose its losses otherwise.
  if (options.raw || options.json) fmt::print(stderr, "{}", report::losses_of(*report));
  return report->status;
}

}  // namespace

void add_trace(CLI::App& app, Action& chosen) {
  CLI::App* const command = app.add_subcommand(
      "trace", "run a command and show what each of its system calls executed in the kernel");
  const auto options = std::make_shared<Options>();
  command
      ->add_option("--on", options->on,
                   "um, x86_64: a lab kernel (see lab build); native: the running kernel; host: a "
                   "program linked with kcov_host. Without it: um")
      ->check(CLI::IsMember({"um", "x86_64", "native", "host"}));
  command->add_flag("--stock", options->stock,
                    "on a lab kernel: the kernel's own kcov instead of ours");
  CLI::Option* const raw = command->add_flag("--raw", options->raw, "print the PCs, one a line");
  command->add_flag("--json", options->json, "for programs; see kcovtool(1)")->excludes(raw);
  command->add_flag("--full", options->full, "do not cut lines to the terminal's width, or 100");
  command->add_option("--vmlinux", options->vmlinux, "the kernel's image, for names");
  add_writable(*command, options->writable);
  command
      ->add_option("-o,--output", options->output,
                   "write the report to this file, and leave standard output to the command "
                   "(without it the command's goes to standard error)")
      ->check(not_empty());
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
