// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The machine that is examined, as the checks see it: a tree of files, and what cannot be read
// from files. Tests give a tree of their own and answers of their own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "doctor/trial.hpp"
#include "lab/kernel.hpp"
#include "support/result.hpp"

namespace kcov::doctor {

// How a program unmakes its calls of the callbacks while nobody traces (docs/host.md).
struct Unmaking {
  std::string obstacle;      // why it cannot; empty: it can
  std::string not_prefixes;  // why `test` stands in their place and no prefixes; empty: these do
};

struct Host {
  std::filesystem::path root = "/";             // below it are /proc, /sys, /boot, /lib, /usr
  std::vector<std::filesystem::path> programs;  // where programs are looked for: PATH
  std::string release;                          // uname -r
  bool is_root = false;
  std::uint64_t register_bytes = 0;  // of a task's registers as ptrace copies them; 0: not known

  // Free bytes where that path is, or is to be made.
  std::function<std::uint64_t(const std::filesystem::path& path)> free_bytes;
  // Whether programs can unmake their calls of the callbacks.
  std::function<Unmaking()> try_unmaking;
  // Why ptrace does not work here; empty: it does.
  std::function<std::string()> ptrace_obstacle;
  // Traces a system call of ours through the kcov at that path.
  std::function<KcovTrial(const std::string& device)> try_kcov;
  // Traces a small program on that kernel of the lab.
  std::function<Result<LabTrial>(const lab::Kernel& kernel)> try_lab;

  // This machine.
  static Host here();

  // "/proc/mounts" below the root.
  std::filesystem::path at(std::string_view path) const;
  bool has(std::string_view path) const;
  // Empty where it is not there or cannot be read.
  std::string read(std::string_view path) const;
  // The program of that name; empty: there is none.
  std::filesystem::path find_program(std::string_view name) const;
};

// The running kernel's build-id, lower-case hexadecimal; empty: it does not tell.
std::string running_build_id(const Host& host);

}  // namespace kcov::doctor
