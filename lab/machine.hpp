// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A machine that is running, or a hand on the one we are on: a byte stream to its
// agent, and the promise that nothing of it is left when it leaves scope.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lab/kernel.hpp"
#include "support/files.hpp"
#include "support/result.hpp"

namespace kcov::lab {

struct SupervisedProgram;

class Machine {
 public:
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine();

  // Runs `program` with one end of the channel. What it prints goes to a log in
  // `directory`, which may be null: then to where ours goes.
  static Result<std::unique_ptr<Machine>> start(SupervisedProgram program,
                                                std::unique_ptr<TemporaryDirectory> directory);

  // The stream that lab/protocol.hpp is spoken on.
  int channel() const { return channel_; }

  // A directory that we and its agent both see; empty where there is none.
  std::filesystem::path spool() const;

  // What its kernel has printed so far; empty for the native machine.
  std::string log() const;
  // Of that, in bytes; 0 where there is none.
  std::uintmax_t log_size() const;

  // Waits until it has switched itself off, `seconds` at most. False if it has not.
  bool wait(int seconds);

  // The agent has said its last: the machine may switch itself off.
  void let_go();
  // The same, and waits for it. A machine that does not is a fault worth a word; it is ended all
  // the same.
  void finish();

  // Why a machine of this kind cannot run here; asked when one did not start. Empty: no
  // reason is known.
  std::string obstacle() const { return obstacle_ == nullptr ? std::string() : obstacle_(); }
  void set_obstacle(std::string (*tell)()) { obstacle_ = tell; }

  // A descriptor of its memory, where that is a file of this host's; else -1.
  int open_memory() const { return open_memory_ == nullptr ? -1 : open_memory_(spool()); }
  void set_open_memory(int (*open)(const std::filesystem::path&)) { open_memory_ = open; }

 private:
  Machine() = default;

  int channel_ = -1;
  // Closing it tells the supervisor to end everything.
  int life_ = -1;
  pid_t supervisor_ = -1;
  // Readable once the supervisor has ended, which it does after the program.
  int supervisor_end_ = -1;
  std::unique_ptr<TemporaryDirectory> directory_;
  std::string (*obstacle_)() = nullptr;
  int (*open_memory_)(const std::filesystem::path& directory) = nullptr;
};

struct BootOptions {
  unsigned memory_mib = 256;  // what it may use at most; only what it touches is taken
  unsigned cpus = 1;
  std::vector<std::string> writable = {};  // host directories that may be written through to
  std::string kernel_arguments = {};       // further ones of the kernel's command line
  // Its clocks go by executed instructions, one a nanosecond: x86_64 with one CPU.
  bool count_instructions = false;
};

// Boots a kernel of the lab with kcov-agent as its first process.
Result<std::unique_ptr<Machine>> boot(const Kernel& kernel, const BootOptions& options);
Result<std::unique_ptr<Machine>> boot_um(const Kernel& kernel, const BootOptions& options);
Result<std::unique_ptr<Machine>> boot_x86_64(const Kernel& kernel, const BootOptions& options);

// Why user-mode Linux cannot run here: ptrace is forbidden. Empty: it is not.
std::string um_obstacle();

// The running kernel: starts the agent as a child.
Result<std::unique_ptr<Machine>> open_native();

// A machine's own directory on the host: its log, its spool, its memory where that is a
// file. The agent is there under a name that a kernel's command line, which knows no
// quoting, can say, whatever the directory it lies in is called.
struct MachineDirectory {
  std::unique_ptr<TemporaryDirectory> directory;
  std::string path;
  std::string init;
};
Result<MachineDirectory> make_machine_directory(std::uint64_t bytes);

}  // namespace kcov::lab
