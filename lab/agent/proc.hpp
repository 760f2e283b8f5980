// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What /proc says of tasks, and of memory.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace kcov::agent {

// Of /proc/PID/status: the lines that matter stand behind that of the groups.
inline constexpr std::size_t kMostStatus = 1 << 16;

// The first `most` bytes; empty if there is none.
std::string read_file(const std::string& path, std::size_t most);
std::string read_proc(pid_t task, const char* name, std::size_t most);

// 'R' runs, 'S' sleeps, 'Z' has ended and is still there.
char state_of(pid_t task);

// What stands behind a descriptor of `process` ("self" is one): "socket:[1234]"; empty if
// nothing does.
std::string file_of(const std::string& process, long fd);

// Of the machine: what programs can still have, and all; in bytes.
struct Memory {
  std::uint64_t available = 0;
  std::uint64_t all = 0;
};
Memory memory();

}  // namespace kcov::agent
