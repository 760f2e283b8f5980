// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A kcov buffer for one task, and how a task that knows nothing of it comes to enable it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <kcov/device.hpp>
#include <string>

namespace kcov::agent {

class BorrowedTask;

// A kcov descriptor, sized and mapped by us.
struct TaskBuffer {
  Device device;
  Buffer records;
  std::uint64_t dropped_before = 0;  // by tasks that had it earlier

  // An empty string, or what failed.
  std::string open(std::uint64_t words);
};

// Words of a further buffer, `others` being there: as many as wanted, but no more than a 64th of
// the memory that is left, so that many tasks have small ones rather than few of them any; the
// first ones, a 16th. A quarter of all memory is the command's. 0: it would be too small to be of
// use.
std::uint64_t words_that_fit(std::uint64_t wanted, std::size_t others);

// Gives the task `buffer`'s descriptor and makes it enable that; empty, or why it could not.
// The task's files are then as they were.
std::string enable_in(BorrowedTask& borrowed, TaskBuffer& buffer);

}  // namespace kcov::agent
