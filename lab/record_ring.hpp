// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Records on their way from the agent to the tool through the machine's own memory, where that is a
// file of the host's (um): what is written there costs the machine no more than writing it.
//
// The agent marks the pages of a ring, its own memory, with a number drawn for it, and tells that
// number; the tool looks for the marks in the whole of the machine's memory, and says in the first
// page that it has found them. Nobody waits for that. From then on the agent puts PCs there, as
// long as there is room, and tells on the line whose they are and how many: that frame, which comes
// after them, is what orders the PCs themselves.
//
// The pages must stay where they are in the machine's memory: nothing may swap, move or merge them
// (um is built without that), and no child of the agent may share them.
//
//   page 0       the mark; whether the ring is found; how many records were taken, ever
//   page 1...    512 PCs each
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace kcov::lab {

inline constexpr std::size_t kRingPageBytes = 4096;
inline constexpr std::size_t kRingPageWords = kRingPageBytes / sizeof(std::uint64_t);
// Of records, beside the first one.
inline constexpr std::size_t kRingPages = 1024;
inline constexpr std::uint64_t kRingRecords = kRingPages * kRingPageWords;

// What a ring's pages begin with until it is found.
struct RingMark {
  std::array<std::uint64_t, 2> ring;  // a random number
  std::uint64_t page;                 // from 0 to kRingPages
};

struct RingControl {
  RingMark mark;
  // The tool stores 1 (release) when it has all pages; the agent loads it (acquire) before it puts.
  std::uint64_t is_found;
  // The tool stores it (release) when it has copied what it took; the agent loads it (acquire)
  // before it writes over that.
  std::uint64_t taken;
};
static_assert(sizeof(RingControl) <= kRingPageBytes);

}  // namespace kcov::lab
