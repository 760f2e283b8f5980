// SPDX-License-Identifier: GPL-2.0-only OR MIT
// User-mode Linux: the kernel is an ordinary program. Its root file system is the
// host's, read-only (hostfs); its memory is an unlinked file; its first serial line is
// the socket we talk to the agent on; what it prints goes to a file.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "lab/machine.hpp"
#include "lab/paths.hpp"
#include "lab/protocol.hpp"
#include "lab/supervisor.hpp"

namespace fs = std::filesystem;

namespace kcov::lab {
namespace {

// A directory for the machine's memory: it is mapped executable, so the file system
// must allow that, and it must hold all of it.
Result<fs::path> memory_directory(std::uint64_t bytes) {
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

std::string um_obstacle() {
  const pid_t child = ::fork();
  if (child < 0) return "no further process can be made";
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(1);
    ::raise(SIGSTOP);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, WUNTRACED);
  if (WIFSTOPPED(status)) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    return {};
  }
  return "ptrace is forbidden here, and user-mode Linux needs it: in a container, allow it "
         "(docker run --cap-add=SYS_PTRACE, or a seccomp profile that permits ptrace)";
}

Result<std::unique_ptr<Machine>> boot_um(const Kernel& kernel, unsigned memory_mib) {
  const Result<fs::path> agent = agent_path();
  if (!agent) return agent.error();
  const Result<fs::path> memory = memory_directory(std::uint64_t{memory_mib} << 20);
  if (!memory) return memory.error();
  Result<TemporaryDirectory> directory = TemporaryDirectory::create(*memory, "kcovtool.");
  if (!directory) return directory.error();

  const std::string here = directory->path().string();
  std::error_code error;
  // The kernel's command line knows no quoting: under a name of its own, whatever the
  // directory that the agent lies in is called.
  const fs::path init = directory->path() / "init";
  fs::create_symlink(fs::canonical(*agent, error), init, error);
  if (error || here.find_first_of(" \t\n\"") != std::string::npos) {
    return Error{fmt::format("cannot start the machine in {}: {}", here,
                             error ? error.message()
                                   : "its name has a space; set KCOVTOOL_MEMORY to another")};
  }

  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error{"cannot make a socket: " + errno_text(errno)};
  }
  std::unique_ptr<Machine> machine(new Machine);
  machine->directory_ = std::make_unique<TemporaryDirectory>(std::move(*directory));
  const Result<Supervised> started = supervise({
      .arguments = {kernel.vmlinux().string(), fmt::format("mem={}M", memory_mib),
                    "rootfstype=hostfs", "ro", "init=" + init.string(),
                    fmt::format("{}={}", kSpoolVariable, here), "ssl0=fd:3", "ssl=null", "con=null",
                    "con0=fd:2", "stderr=1", "panic=-1", "uml_dir=" + here + "/", "umid=machine",
                    "loglevel=7"},
      .environment = {"TMPDIR=" + here, "TMP=" + here, "TEMP=" + here},
      .channel = ends[1],
      .log = here + "/console",
      .directory = here,
  });
  ::close(ends[1]);
  machine->channel_ = ends[0];
  if (!started) return started.error();
  machine->supervisor_ = started->supervisor;
  machine->life_ = started->life;
  return machine;
}

Machine::~Machine() {
  if (channel_ >= 0) ::close(channel_);
  if (life_ >= 0) ::close(life_);
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

void Machine::wait(int seconds) {
  // The supervisor holds the other end of the pipe until all is over.
  pollfd end{life_, 0, 0};
  ::poll(&end, 1, seconds * 1000);
}

}  // namespace kcov::lab
