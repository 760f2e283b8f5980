// SPDX-License-Identifier: GPL-2.0-only OR MIT
// User-mode Linux: the kernel is an ordinary program. Its root file system is the
// host's, read-only (hostfs); its memory is an unlinked file; its first serial line is
// the socket we talk to the agent on; what it prints goes to a file.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <system_error>

#include "lab/machine.hpp"
#include "lab/protocol.hpp"
#include "lab/supervisor.hpp"
#include "support/files.hpp"

namespace fs = std::filesystem;

namespace kcov::lab {
namespace {

// Its memory is a file in `directory` that has no name there any more; the kernel, whose process id
// is told there, holds it open.
int open_um_memory(const fs::path& directory) {
  const Result<std::string> id = read_file(directory / "machine" / "pid");
  if (!id) return -1;
  std::error_code error;
  const std::string here = fs::canonical(directory, error).string();
  if (error) return -1;
  const fs::path files =
      fs::path("/proc") / id->substr(0, id->find_first_not_of("0123456789")) / "fd";
  for (fs::directory_iterator at(files, error); at != fs::directory_iterator();
       at.increment(error)) {
    const std::string name = fs::read_symlink(at->path(), error).string();
    if (error || !name.starts_with(here + "/") || !name.ends_with(" (deleted)")) continue;
    const int memory = ::open(at->path().c_str(), O_RDWR | O_CLOEXEC);
    if (memory >= 0) return memory;
  }
  return -1;
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

Result<std::unique_ptr<Machine>> boot_um(const Kernel& kernel, const BootOptions& options) {
  if (options.cpus != 1) {
    return Error{
        fmt::format("the machine um has one CPU: for {}, use the machine x86_64", options.cpus), 2};
  }
  if (options.count_instructions) {
    return Error{
        "the machine um runs on the host's own CPU, which counts no instructions: use the "
        "machine x86_64",
        2};
  }
  // Its memory is a file that is mapped executable, so the directory must allow that and
  // hold all of it.
  Result<MachineDirectory> made = make_machine_directory(std::uint64_t{options.memory_mib} << 20);
  if (!made) return made.error();
  const std::string& here = made->path;
  SupervisedProgram program;
  program.arguments = {kernel.vmlinux().string(),
                       fmt::format("mem={}M", options.memory_mib),
                       "rootfstype=hostfs",
                       "ro",
                       "init=" + made->init,
                       fmt::format("{}={}", kSpoolVariable, here),
                       "ssl0=fd:3",
                       "ssl=null",
                       "con=null",
                       "con0=fd:2",
                       "stderr=1",
                       "panic=-1",
                       "uml_dir=" + here + "/",
                       "umid=machine",
                       "loglevel=7"};
  std::istringstream further(options.kernel_arguments);
  for (std::string argument; further >> argument;) program.arguments.push_back(argument);
  program.on_one_cpu = true;
  // It is an ordinary program: what is preloaded for the command is not for its kernel.
  program.environment = {"TMPDIR=" + here, "TMP=" + here, "TEMP=" + here, "LD_PRELOAD="};
  Result<std::unique_ptr<Machine>> machine =
      Machine::start(std::move(program), std::move(made->directory));
  if (machine) {
    (*machine)->set_obstacle(um_obstacle);
    (*machine)->set_open_memory(open_um_memory);
  }
  return machine;
}

}  // namespace kcov::lab
