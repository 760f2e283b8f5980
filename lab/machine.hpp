// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A machine that is running, or a hand on the one we are on: a byte stream to its
// agent, and the promise that nothing of it is left when it leaves scope.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>

#include "lab/kernel.hpp"
#include "support/files.hpp"
#include "support/result.hpp"

namespace kcov::lab {

class Machine {
 public:
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine();

  // The stream that lab/protocol.hpp is spoken on.
  int channel() const { return channel_; }

  // A directory that we and its agent both see; empty where there is none.
  std::filesystem::path spool() const;

  // What its kernel has printed so far; empty for the native machine.
  std::string log() const;

  // Waits until it has switched itself off, `seconds` at most.
  void wait(int seconds);

 private:
  friend Result<std::unique_ptr<Machine>> boot_um(const Kernel& kernel, unsigned memory_mib);
  friend Result<std::unique_ptr<Machine>> open_native();
  Machine() = default;

  int channel_ = -1;
  // Closing it tells the supervisor to end everything.
  int life_ = -1;
  pid_t supervisor_ = -1;
  std::unique_ptr<TemporaryDirectory> directory_;
};

// Starts user-mode Linux with kcov-agent as its first process. `memory_mib` is what it
// may use at most; only what it touches is taken.
Result<std::unique_ptr<Machine>> boot_um(const Kernel& kernel, unsigned memory_mib);

// The running kernel: starts the agent as a child.
Result<std::unique_ptr<Machine>> open_native();

// Why user-mode Linux cannot run here, or an empty string.
std::string um_obstacle();

}  // namespace kcov::lab
