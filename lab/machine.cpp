// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/machine.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>
#include <vector>

#include "lab/configuration.hpp"
#include "lab/paths.hpp"
#include "lab/supervisor.hpp"

namespace fs = std::filesystem;

namespace kcov::lab {
namespace {

// A directory that has room for `bytes`, on a file system that allows programs.
Result<fs::path> roomy_directory(std::uint64_t bytes) {
  std::vector<fs::path> candidates;
  const auto given = [&candidates](const char* name) {
    const char* const value = std::getenv(name);
    if (value != nullptr && *value != '\0') candidates.push_back(fs::absolute(value));
  };
  given("KCOVTOOL_MEMORY");
  if (candidates.empty()) {
    candidates.emplace_back("/dev/shm");
    given("TMPDIR");
    for (const char* usual : {"/tmp", "/var/tmp"}) candidates.emplace_back(usual);
    candidates.push_back(cache_directory());
  }
  std::string reasons;
  for (const fs::path& candidate : candidates) {
    struct statvfs system {};
    const char* reason = nullptr;
    if (::statvfs(candidate.c_str(), &system) != 0) {
      reason = "not there";
    } else if (::access(candidate.c_str(), W_OK) != 0 || (system.f_flag & ST_RDONLY) != 0) {
      reason = "not writable";
    } else if ((system.f_flag & ST_NOEXEC) != 0) {
      reason = "mounted noexec";
    } else if (std::uint64_t{system.f_bavail} * system.f_frsize < bytes) {
      reason = "too small";
    }
    if (reason == nullptr) return candidate;
    reasons += fmt::format("{}{} is {}", reasons.empty() ? "" : ", ", candidate.string(), reason);
  }
  return Error{fmt::format(
      "cannot find {} MiB for the machine's memory: {}; set KCOVTOOL_MEMORY to a directory that "
      "has room and is not mounted noexec",
      bytes >> 20, reasons)};
}

}  // namespace

Result<MachineDirectory> make_machine_directory(std::uint64_t bytes) {
  const Result<fs::path> agent = agent_path();
  if (!agent) return agent.error();
  const Result<fs::path> parent = roomy_directory(bytes);
  if (!parent) return parent.error();
  Result<TemporaryDirectory> directory = TemporaryDirectory::create(*parent, "kcovtool.");
  if (!directory) return directory.error();
  const std::string here = directory->path().string();
  std::error_code error;
  const fs::path init = directory->path() / "init";
  fs::create_symlink(fs::canonical(*agent, error), init, error);
  if (error || here.find_first_of(" \t\n\"") != std::string::npos) {
    return Error{fmt::format(
        "cannot start the machine in {}: {}", here,
        error ? error.message() : "its name has a space; set KCOVTOOL_MEMORY to another")};
  }
  return MachineDirectory{std::make_unique<TemporaryDirectory>(std::move(*directory)), here,
                          init.string()};
}

Result<std::unique_ptr<Machine>> Machine::start(SupervisedProgram program,
                                                std::unique_ptr<TemporaryDirectory> directory) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error{"cannot make a socket: " + errno_text(errno)};
  }
  std::unique_ptr<Machine> machine(new Machine);
  machine->directory_ = std::move(directory);
  machine->channel_ = ends[0];
  program.channel = ends[1];
  if (machine->directory_ != nullptr) {
    program.directory = machine->directory_->path();
    program.log = program.directory / "console";
  }
  const Result<Supervised> started = supervise(program);
  ::close(ends[1]);
  if (!started) return started.error();
  machine->supervisor_ = started->supervisor;
  machine->life_ = started->life;
  machine->supervisor_end_ = static_cast<int>(::syscall(SYS_pidfd_open, started->supervisor, 0));
  if (machine->supervisor_end_ < 0) {
    return Error{"cannot watch the machine's supervisor: " + errno_text(errno)};
  }
  return machine;
}

Machine::~Machine() {
  if (channel_ >= 0) ::close(channel_);
  if (life_ >= 0) ::close(life_);
  if (supervisor_end_ >= 0) ::close(supervisor_end_);
  if (supervisor_ > 0) {
    while (::waitpid(supervisor_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

fs::path Machine::spool() const { return directory_ == nullptr ? fs::path() : directory_->path(); }

std::string Machine::log() const {
  if (directory_ == nullptr) return {};
  Result<std::string> text = read_file(directory_->path() / "console");
  return text ? std::move(*text) : std::string{};
}

std::uintmax_t Machine::log_size() const {
  if (directory_ == nullptr) return 0;
  std::error_code error;
  const std::uintmax_t size = fs::file_size(directory_->path() / "console", error);
  return error ? 0 : size;
}

bool Machine::wait(int seconds) {
  pollfd end{supervisor_end_, POLLIN, 0};
  int ready;
  do {
    ready = ::poll(&end, 1, seconds * 1000);
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

void Machine::let_go() { ::shutdown(channel_, SHUT_WR); }

void Machine::finish() {
  let_go();
  if (!wait(10)) fmt::print(stderr, "kcovtool: the machine did not switch itself off; ending it\n");
}

Result<std::unique_ptr<Machine>> boot(const Kernel& kernel, const BootOptions& options) {
  return base_of(kernel.machine) == "um" ? boot_um(kernel, options) : boot_x86_64(kernel, options);
}

}  // namespace kcov::lab
