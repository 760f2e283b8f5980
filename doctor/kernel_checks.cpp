// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The running kernel. What it has is known from its configuration, but that may be hidden; what
// counts is whether a system call can be traced. So that is tried first, and where it works, no
// doubt is left about what it takes.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <sstream>

#include "doctor/checks.hpp"
#include "support/files.hpp"

namespace kcov::doctor {
namespace {

constexpr const char* kDevice = "/sys/kernel/debug/kcov";
constexpr const char* kUseTheLab = "or trace on the lab's kernel (kcovtool trace --on um)";
// Of Linux itself: user space has no name for it.
constexpr int kNotSupported = 524;

// Where debugfs is mounted; empty: nowhere that we see.
std::string debugfs_mount(const Host& host) {
  std::istringstream mounts(host.read("/proc/mounts"));
  std::string device;
  std::string directory;
  std::string type;
  for (std::string rest; mounts >> device >> directory >> type && std::getline(mounts, rest);)
    if (type == "debugfs") return directory;
  return {};
}

// "integrity" of "none [integrity] confidentiality"; empty: this kernel has no lockdown.
std::string lockdown(const Host& host) {
  const std::string levels = host.read("/sys/kernel/security/lockdown");
  const std::size_t begin = levels.find('[');
  const std::size_t end = levels.find(']', begin);
  return end == std::string::npos ? std::string() : levels.substr(begin + 1, end - begin - 1);
}

bool is_locked_down(const Host& host) {
  const std::string level = lockdown(host);
  return !level.empty() && level != "none";
}

std::string failed_step(KcovTrial::Step step) {
  switch (step) {
    case KcovTrial::Step::open: return "open it";
    case KcovTrial::Step::initialize: return "give it a buffer (KCOV_INIT_TRACE)";
    case KcovTrial::Step::map: return "map its buffer";
    case KcovTrial::Step::enable: return "enable it (KCOV_ENABLE)";
    case KcovTrial::Step::disable: return "disable it (KCOV_DISABLE)";
    case KcovTrial::Step::done: break;
  }
  return {};
}

// Why the file cannot be opened.
void explain_open(Section& section, const Host& host, int error) {
  const std::string mounted = debugfs_mount(host);
  if (error == ENOENT && mounted.empty()) {
    section.problem("debugfs", "no debugfs is mounted (/proc/mounts)",
                    "as root: mount -t debugfs none /sys/kernel/debug");
  } else if (error == ENOENT && mounted != "/sys/kernel/debug") {
    section.problem("debugfs",
                    fmt::format("debugfs is mounted at {}, and kcov is looked for below "
                                "/sys/kernel/debug",
                                mounted),
                    "as root: mount -t debugfs none /sys/kernel/debug");
  } else if (error == ENOENT) {
    section.problem("device",
                    fmt::format("debugfs is mounted, and there is no {}: the kernel has no kcov, "
                                "or a container hides it",
                                kDevice),
                    fmt::format("use a kernel that was built with CONFIG_KCOV=y, {}", kUseTheLab));
  } else if (error == EPERM && is_locked_down(host)) {
    section.problem("lockdown",
                    fmt::format("the kernel is locked down ({}), and hands out no file of debugfs "
                                "that could be written",
                                lockdown(host)),
                    "turn Secure Boot off, or boot without lockdown=");
  } else if ((error == EACCES || error == EPERM) && !host.is_root) {
    section.problem("permission",
                    fmt::format("{} cannot be opened: {}; it is for root alone, because it shows "
                                "the kernel's addresses",
                                kDevice, errno_text(error)),
                    "run kcovtool as root");
  } else {
    section.problem(
        "permission",
        fmt::format("{} cannot be opened, by root either: {}", kDevice, errno_text(error)),
        "leave the container, or give it CAP_SYS_ADMIN and debugfs");
  }
}

void explain_failure(Section& section, const Host& host, const KcovTrial& trial) {
  if (trial.reached == KcovTrial::Step::open)
    return explain_open(section, host, trial.error.value());
  std::string remedy = "see dmesg for what the kernel says of it";
  if (trial.error.value() == ENOMEM) remedy = "free memory: a buffer of 128 KiB was refused";
  if (trial.error.value() == ENOTTY)
    remedy = fmt::format("{} is no kcov: see what has made a file of that name", kDevice);
  section.problem("tracing",
                  fmt::format("{} is there, and it was not possible to {}: {}", kDevice,
                              failed_step(trial.reached), errno_text(trial.error.value())),
                  remedy);
}

void check_tracing(Section& section, const KcovTrial& trial) {
  if (!trial.pcs.empty()) {
    section.ok("tracing",
               fmt::format("read(-1) recorded {} PCs through {}", trial.pcs.size(), kDevice));
    return;
  }
  section.problem("tracing",
                  fmt::format("{} works, but read(-1) recorded nothing: the kernel's code does not "
                              "call kcov",
                              kDevice),
                  "build the kernel with CONFIG_KCOV_INSTRUMENT_ALL=y, or KCOV_INSTRUMENT := y in "
                  "the Makefiles of what is to be covered");
}

void check_scope(Section& section, const Result<KernelConfig>& config) {
  if (!config) {
    section.not_known("whole kernel", config.error().message);
  } else if (config->value("CONFIG_KCOV_INSTRUMENT_ALL") == "y") {
    section.ok("whole kernel", fmt::format("CONFIG_KCOV_INSTRUMENT_ALL=y in {}", config->path()));
  } else {
    section.problem("whole kernel",
                    fmt::format("CONFIG_KCOV_INSTRUMENT_ALL is not set in {}: only directories and "
                                "files whose Makefile says KCOV_INSTRUMENT := y have coverage",
                                config->path()),
                    "build the kernel with CONFIG_KCOV_INSTRUMENT_ALL=y");
  }
}

void check_comparisons(Section& section, const KcovTrial& trial) {
  constexpr const char* kRemedy =
      "for comparisons, build the kernel with CONFIG_KCOV_ENABLE_COMPARISONS=y, by a compiler that "
      "knows -fsanitize-coverage=trace-cmp (gcc 8, clang)";
  if (trial.comparison_error.value() == kNotSupported) {
    section.ok("comparisons", "this kernel cannot trace comparisons; PCs do not need that",
               kRemedy);
  } else if (trial.comparison_error) {
    section.problem("comparisons",
                    fmt::format("tracing of comparisons could not be enabled: {}",
                                errno_text(trial.comparison_error.value())),
                    kRemedy);
  } else {
    section.ok("comparisons", fmt::format("read(-1) recorded {}", trial.comparisons));
  }
}

// Whether the PCs lie where the image has calls of the callback.
void check_addresses(Section& section, const Host& host, symbol::Image& image,
                     const KcovTrial& trial) {
  if (trial.pcs.empty()) return;
  const symbol::Locations locations = image.locate(trial.pcs);
  const auto fitting = std::count_if(locations.begin(), locations.end(),
                                     [](const auto& location) { return location.is_call_site; });
  const bool shuffled = host.read("/proc/cmdline").find("nokaslr") == std::string::npos;
  const std::string seen =
      fmt::format("{} of {} PCs lie behind calls of kcov in the image", fitting, locations.size());
  if (static_cast<std::size_t>(fitting) * 2 > locations.size()) {
    section.ok("addresses",
               seen + (shuffled ? ": what KASLR adds is taken off" : "; it runs with nokaslr"));
  } else {
    section.problem("addresses", seen + (shuffled ? ": what KASLR adds is not taken off" : ""),
                    "boot with nokaslr");
  }
}

void check_names(Section& section, const Host& host, const KcovTrial& trial) {
  const std::string running = running_build_id(host);
  std::string others;
  bool is_unread = false;  // one of them
  for (const std::string& candidate : lab::usual_images(host.release)) {
    if (!host.has(candidate)) continue;
    Result<symbol::Image> image = symbol::Image::open(host.at(candidate).string());
    if (!image) {
      section.not_known("names", image.error().message);
      is_unread = true;
      continue;
    }
    if (running.empty()) {
      section.not_known("names",
                        fmt::format("{} may be the running kernel, which does not tell its "
                                    "build-id (/sys/kernel/notes)",
                                    candidate));
      return;
    }
    if (image->build_id() != running) {
      others += fmt::format("{}{} is of another build (build-id {}, the kernel's {})",
                            others.empty() ? "" : "; ", candidate,
                            image->build_id().empty() ? "missing" : image->build_id(), running);
      continue;
    }
    if (image->has_debug_info()) {
      section.ok("names", fmt::format("{} is the running kernel's image", candidate));
    } else {
      section.problem("names",
                      fmt::format("{} has no debug information: no files and lines", candidate),
                      "build the kernel with CONFIG_DEBUG_INFO_DWARF5=y, or install its -dbg "
                      "package");
    }
    check_addresses(section, host, *image, trial);
    return;
  }
  if (is_unread && others.empty()) return;
  section.problem("names",
                  others.empty() ? fmt::format("no image of Linux {} was found: PCs, but no names",
                                               host.release)
                                 : others,
                  "name the vmlinux of this very build with --vmlinux, or put it to "
                  "/usr/lib/debug/boot/vmlinux-" +
                      host.release);
}

}  // namespace

Result<KernelConfig> running_config(const Host& host) {
  for (const std::string& candidate :
       {std::string("/proc/config.gz"), "/boot/config-" + host.release,
        "/lib/modules/" + host.release + "/build/.config",
        "/lib/modules/" + host.release + "/config"}) {
    if (host.has(candidate)) {
      Result<KernelConfig> config = KernelConfig::read(host.at(candidate));
      if (config) return config;
    }
  }
  return Error{
      fmt::format("the configuration of Linux {} is neither in /proc/config.gz nor in "
                  "/boot/config-{} nor below /lib/modules",
                  host.release, host.release)};
}

Section check_running_kernel(const Host& host) {
  Section section;
  section.title = fmt::format("the running kernel, Linux {} (trace --on native)", host.release);
  const KcovTrial trial = host.try_kcov(host.at(kDevice).string());
  const Result<KernelConfig> config = running_config(host);
  const bool works = trial.reached == KcovTrial::Step::done;
  if (works) {
    section.ok("kcov", "the kernel has a kcov");
  } else if (!config) {
    section.not_known("kcov", config.error().message);
  } else if (!config->is_set("CONFIG_KCOV")) {
    // All else would follow from that.
    section.problem("kcov", fmt::format("CONFIG_KCOV is not set in {}", config->path()),
                    fmt::format("use a kernel that was built with CONFIG_KCOV=y, {}", kUseTheLab));
    return section;
  } else if (!config->is_set("CONFIG_DEBUG_FS")) {
    section.problem("kcov",
                    fmt::format("CONFIG_KCOV=y, but CONFIG_DEBUG_FS is not set in {}: there is no "
                                "file to reach kcov by",
                                config->path()),
                    "build the kernel with CONFIG_DEBUG_FS=y");
    return section;
  } else {
    section.ok("kcov", fmt::format("CONFIG_KCOV=y in {}", config->path()));
  }
  if (works) {
    check_tracing(section, trial);
  } else {
    explain_failure(section, host, trial);
  }
  if (works) check_sites(section, trial.sites);
  if (works || config) check_scope(section, config);
  if (works) check_comparisons(section, trial);
  if (works || config) check_names(section, host, trial);
  return section;
}

}  // namespace kcov::doctor
