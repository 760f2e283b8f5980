// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Starts a program that must not outlive us, whatever happens to us.
//
// User-mode Linux is a tree of processes that trace each other; killed at the root
// alone, the others go on running, for ever. So the program runs in a process group of
// its own below a supervisor, a process that does nothing but wait: for the program to
// end, or for the tool to go, which it learns from a pipe that only the tool holds
// open. In both cases it kills the whole group.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/result.hpp"

namespace kcov::lab {

struct Supervised {
  pid_t supervisor = -1;
  int life = -1;  // close it to end the program
};

struct SupervisedProgram {
  std::vector<std::string> arguments;    // the first is a path
  std::vector<std::string> environment;  // added to ours
  int channel = -1;                      // kept open in the program, as descriptor 3
  std::filesystem::path log;             // gets its standard output and error; empty: inherited
  std::filesystem::path directory;       // removed when the tool has gone; may be empty
  bool own_group = true;                 // false: stays in the caller's, for the terminal
  bool on_one_cpu = false;               // at a time; with own_group only
};

Result<Supervised> supervise(const SupervisedProgram& program);

}  // namespace kcov::lab
