// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Random programs of kcov operations: what they are made of, how they are drawn from a
// seed, and as text, one operation a line, so that one that was found can be kept and cut
// down by hand.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kcov::differential {

enum class Kind : std::uint32_t {
  open,           // slot, flags
  close,          // slot
  dup,            // slot, to slot
  init,           // slot, words
  map,            // slot, bytes, to map, protection
  unmap,          // map
  enable,         // slot, mode
  disable,        // slot, argument
  remote_enable,  // slot, choice of handles, area size, mode
  unknown,        // slot, command: an ioctl that is none
  work,           // map, value: stores it to word 0, runs instrumented code, looks
  section,        // context, handle: a remote section in the kernel
  end_thread,     // the actor, a thread, ends; another takes its place
  fork,           // by the first actor: the last actor is its child
  exit,           // of the child
  exec,           // of the child: it disables what it has and exits
  count,
};

// Who does it: the first thread of a process, two more, and a forked child.
inline constexpr std::uint32_t kThreads = 3;
inline constexpr std::uint32_t kChild = 3;
inline constexpr std::uint32_t kActors = 4;
inline constexpr std::uint32_t kSlots = 5;
inline constexpr std::uint32_t kMaps = 4;

struct Operation {
  std::uint32_t actor = 0;
  Kind kind = Kind::open;
  std::uint64_t arguments[4] = {};
};

using Program = std::vector<Operation>;

// The program number `index` of `seed`: `length` operations.
Program generate(std::uint64_t seed, std::uint64_t index, std::size_t length);

std::string to_text(const Program& program);
// False: the text is no program.
bool from_text(const std::string& text, Program& program);

}  // namespace kcov::differential
