// SPDX-License-Identifier: GPL-2.0-only OR MIT
// x86_64 under QEMU: a real processor's kernel, several CPUs if asked, in software
// emulation, which runs everywhere and needs no right to anything.
//
// Its root file system is the host's, read-only, over 9p: the kernel mounts it by itself,
// so there is neither a disk image nor an initial RAM disk. The stream to the agent is a
// port of a virtio serial device, with our socket behind it. What the kernel prints goes
// over an emulated serial line to QEMU's standard output, and so to the log.
//
// A panic resets the machine, and QEMU ends at a reset (-no-reboot).
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "lab/machine.hpp"
#include "lab/protocol.hpp"
#include "lab/supervisor.hpp"

namespace fs = std::filesystem;

namespace kcov::lab {
namespace {

constexpr const char* kQemu = "qemu-system-x86_64";
// For the log and the input files on their way.
constexpr std::uint64_t kDirectoryBytes = 16 << 20;

Result<std::string> find_qemu() {
  const char* const path = std::getenv("PATH");
  std::istringstream directories(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
  for (std::string directory; std::getline(directories, directory, ':');) {
    const fs::path candidate = fs::path(directory) / kQemu;
    if (!directory.empty() && ::access(candidate.c_str(), X_OK) == 0) return candidate.string();
  }
  return Error{fmt::format(
      "cannot start the machine x86_64: {} is not installed (apt-get install qemu-system-x86)",
      kQemu)};
}

// In the value of a QEMU option a comma stands for itself when there are two.
std::string quoted(const std::string& text) {
  std::string result;
  for (const char c : text) result.append(c == ',' ? 2 : 1, c);
  return result;
}

// The host's directory `path` under the name `tag`.
void share(std::vector<std::string>& arguments, const std::string& tag, const std::string& path,
           bool writable) {
  // multidevs: one name space of inode numbers for all of the host's file systems below it.
  arguments.insert(
      arguments.end(),
      {"-fsdev",
       fmt::format("local,id={},path={},security_model=none,multidevs=remap,readonly={}", tag,
                   quoted(path), writable ? "off" : "on"),
       "-device", fmt::format("virtio-9p-pci,fsdev={0},mount_tag={0}", tag)});
}

}  // namespace

Result<std::unique_ptr<Machine>> boot_x86_64(const Kernel& kernel, const BootOptions& options) {
  if (options.count_instructions && options.cpus != 1) {
    return Error{"instructions are counted on a machine with one CPU (--cpus 1)", 2};
  }
  const Result<std::string> qemu = find_qemu();
  if (!qemu) return qemu.error();
  Result<MachineDirectory> made = make_machine_directory(kDirectoryBytes);
  if (!made) return made.error();
  // cache=loose: the host's files are taken to stand still while the machine runs.
  // tsc=reliable: the counter is the host's; a CPU that the host has not let run for a while
  // would be taken for one whose counter is off.
  const std::string command_line = fmt::format(
      "console=ttyS0 loglevel=7 panic=-1 reboot=t tsc=reliable root={} rootfstype=9p "
      "rootflags={},cache=loose "
      "ro "
      "init={} {}=x86_64 {}",
      kRootTag, k9pOptions, made->init, kMachineVariable, options.kernel_arguments);
  SupervisedProgram program;
  program.arguments = {*qemu, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
                       "-machine", "pc", "-accel", "tcg", "-cpu", "max", "-smp",
                       // The firmware tells the kernel of one CPU a socket.
                       fmt::format("{0},sockets={0},cores=1,threads=1", options.cpus), "-m",
                       fmt::format("{}", options.memory_mib), "-kernel", kernel.image().string(),
                       "-append", command_line, "-chardev", "stdio,id=console,signal=off",
                       "-serial", "chardev:console", "-chardev", "socket,id=line,fd=3", "-device",
                       "virtio-serial-pci", "-device", "virtserialport,chardev=line"};
  if (options.count_instructions) {
    program.arguments.insert(program.arguments.end(), {"-icount", "shift=0"});
  }
  share(program.arguments, kRootTag, "/", false);
  share(program.arguments, kSpoolTag, made->path, false);
  for (std::size_t i = 0; i < options.writable.size(); ++i) {
    share(program.arguments, writable_tag(i), options.writable[i], true);
  }
  program.environment = {"TMPDIR=" + made->path};
  return Machine::start(std::move(program), std::move(made->directory));
}

}  // namespace kcov::lab
