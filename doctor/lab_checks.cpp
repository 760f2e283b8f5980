// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The lab's kernels: what they need of the machine, and a trace to see whether they work.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "doctor/checks.hpp"
#include "lab/configuration.hpp"
#include "lab/paths.hpp"
#include "support/files.hpp"
#include "support/text.hpp"

namespace kcov::doctor {
namespace {

constexpr const char* kQemu = "qemu-system-x86_64";

// User-mode Linux runs its processes under ptrace.
void check_ptrace(Section& section, const Host& host) {
  const std::string obstacle = host.ptrace_obstacle();
  const std::string yama = host.read("/proc/sys/kernel/yama/ptrace_scope");
  const std::string status = host.read("/proc/self/status");
  constexpr unsigned kTracing = 19;  // CAP_SYS_PTRACE
  const bool may_trace = (field(status, "CapEff", 16) >> kTracing & 1) != 0;
  const char scope = yama.empty() ? '0' : yama[0];
  if (scope == '3' || (scope == '2' && !may_trace)) {
    section.problem("ptrace",
                    fmt::format("/proc/sys/kernel/yama/ptrace_scope is {}: {} may use ptrace, and "
                                "user-mode Linux needs it",
                                scope, scope == '3' ? "nobody" : "root alone"),
                    scope == '3'
                        ? "it stays so until the next boot: set kernel.yama.ptrace_scope "
                          "below 2 in /etc/sysctl.d, or use --on x86_64"
                        : "as root: sysctl kernel.yama.ptrace_scope=1, or use --on x86_64");
  } else if (!obstacle.empty()) {
    const bool filtered = field(status, "Seccomp", 10) == 2;
    section.problem("ptrace",
                    fmt::format("{}{}", obstacle,
                                filtered ? "; a seccomp filter is on (/proc/self/status)" : ""),
                    "allow ptrace in the container (--cap-add=SYS_PTRACE), or use --on x86_64");
  } else {
    section.ok("ptrace", "a child can be traced, as user-mode Linux does");
  }
}

// The kernel keeps a task's registers in a buffer of a fixed size; a host with AMX has more of
// them than Linux's own um has room for.
void check_registers(Section& section, const Host& host, const std::string& series) {
  if (host.register_bytes == 0) return;
  const Result<std::filesystem::path> data = lab::data_directory();
  if (!data) return;
  const Result<lab::Series> edits = lab::load_series(*data, series);
  if (!edits) return;
  const auto edit = std::find_if(edits->edits.begin(), edits->edits.end(),
                                 [](const auto& one) { return one.name == "um-register-buffer"; });
  std::uint64_t room = 0;
  if (edit == edits->edits.end() ||
      std::from_chars(edit->with.data(), edit->with.data() + edit->with.size(), room).ec !=
          std::errc()) {
    return;
  }
  const std::string seen =
      fmt::format("this processor's registers take {} bytes, the kernel has room for {}",
                  host.register_bytes, room);
  if (host.register_bytes <= room) {
    section.ok("registers", seen);
  } else {
    section.problem("registers", seen, "use --on x86_64");
  }
}

// The program that runs commands inside the machine.
void check_agent(Section& section) {
  const Result<std::filesystem::path> agent = lab::agent_path();
  if (!agent) {
    // "what is wrong; what to do"
    const std::string& message = agent.error().message;
    const std::size_t end = std::min(message.rfind("; "), message.size() - 2);
    section.problem("agent", message.substr(0, end), message.substr(end + 2));
  } else {
    section.ok("agent", agent->string());
  }
}

void check_qemu(Section& section, const Host& host) {
  const std::filesystem::path qemu = host.find_program(kQemu);
  if (qemu.empty()) {
    section.problem("emulator", fmt::format("{} is not in PATH", kQemu),
                    "apt-get install qemu-system-x86");
  } else {
    section.ok("emulator", qemu.string());
  }
}

void check_names(Section& section, const lab::Kernel& kernel, const LabTrial& trial) {
  Result<symbol::Image> image = symbol::Image::open(kernel.vmlinux().string());
  const std::string again = fmt::format("remove {} and run kcovtool lab build --machine {}",
                                        kernel.directory.string(), kernel.machine);
  if (!image) {
    section.problem("names", image.error().message, again);
    return;
  }
  if (image->build_id() != trial.build_id) {
    section.problem("names",
                    fmt::format("the kernel that ran has the build-id {}, its image {}",
                                trial.build_id, image->build_id()),
                    again);
    return;
  }
  if (!image->has_debug_info()) {
    section.problem("names", "the image has no debug information", again);
    return;
  }
  image->keep_answers_in(lab::cache_directory() / "symbols");
  const symbol::Locations locations = image->locate(trial.pcs);
  image->store_answers(locations);
  const auto named = std::count_if(locations.begin(), locations.end(), [](const auto& location) {
    return !location.frames.empty() && location.is_call_site;
  });
  const std::string seen = fmt::format(
      "{} of {} different PCs have a name and lie behind a call of kcov", named, locations.size());
  if (static_cast<std::size_t>(named) * 2 > locations.size()) {
    section.ok("names", seen);
  } else {
    section.problem("names", seen, again);
  }
}

// Where it does not give records, the machine has said why.
void check_trace(Section& section, const Host& host, const lab::Kernel& kernel) {
  const Result<LabTrial> trial = host.try_lab(kernel);
  if (!trial) {
    section.problem(
        "a trace", trial.error().message,
        fmt::format("see what the kernel says: kcovtool lab run --machine {} --log FILE "
                    "-- true",
                    kernel.machine));
    return;
  }
  const std::string command = fmt::format("{}", fmt::join(trial->command, " "));
  if (trial->records == 0) {
    section.problem("a trace",
                    fmt::format("{} ran and recorded nothing{}{}", command,
                                trial->untraced.empty() ? "" : ": ", trial->untraced),
                    fmt::format("remove {} and run kcovtool lab build --machine {}",
                                kernel.directory.string(), kernel.machine));
    return;
  }
  section.ok("a trace", fmt::format("{} recorded {} PCs, {} of them different, in {:.1f} s",
                                    command, trial->records, trial->pcs.size(), trial->seconds));
  check_sites(section, trial->sites);
  check_names(section, kernel, *trial);
}

}  // namespace

Section check_lab(const Host& host, const std::string& machine) {
  Section section;
  section.title = fmt::format("the lab's kernel {} (trace --on {})", machine, machine);
  const Result<lab::Kernel> kernel = lab::current_kernel(machine, lab::Variant::ours);
  if (kernel) {
    section.ok("kernel", fmt::format("Linux {}, {}", kernel->release, kernel->vmlinux().string()));
  } else {
    section.problem(
        "kernel", kernel.error().message,
        fmt::format("kcovtool lab build --machine {} (three to eight minutes)", machine));
  }
  check_agent(section);
  if (lab::base_of(machine) == "um") {
    check_ptrace(section, host);
    if (kernel) {
      const std::size_t dot = kernel->release.find('.', kernel->release.find('.') + 1);
      check_registers(section, host, kernel->release.substr(0, dot));
    }
  } else {
    check_qemu(section, host);
  }
  // What is wrong already would be wrong again.
  if (!section.has_problem()) check_trace(section, host, *kernel);
  return section;
}

}  // namespace kcov::doctor
