// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A process's map of a descriptor's buffer, and why it lies where it lies.
//
// The core keeps one address for a buffer, in a descriptor that forked processes
// share. So the buffer has to lie at the same address in each of them, and each
// has to take down its own map and nobody else's:
//
//   open    one page of the empty memfd is mapped: what the next two steps need
//           to grow it is the map alone, not a descriptor of the file.
//   INIT    grows the map to the buffer's size; it may move, nobody knows it yet.
//   fork    before INIT: grows it to the largest buffer there can be. What lies
//           past the file's end is address space and no memory, until a process
//           that shares the file, whichever it is, makes it longer with its INIT.
//
// From INIT or from a fork on, the address is known to others and stands. A
// program that initialises before it forks never has the large map.
#pragma once

#include <cstddef>

namespace kcov::host {

struct LocalArea {
  void* start = nullptr;
  std::size_t bytes = 0;
  bool stands = false;  // the core or another process knows `start`
};

// Maps the first page of the empty file `fd`, which is open for reading and
// writing: false when there is no address space left.
bool map_area(LocalArea& area, int fd) noexcept;

// For a child that is about to be forked: an area that does not stand yet becomes as
// large as a buffer can be, or as address space allows (docs/host.md), and stands.
void reserve_area(LocalArea& area) noexcept;

void unmap_area(LocalArea& area) noexcept;

// Where HostPort::allocate_area() finds its memory: the map, and its file (-1 where
// the map is a part of a file that is complete). The core knows nothing of files,
// so whoever calls it says so in the calling thread.
struct Backing {
  int fd;
  LocalArea* area;
};
class BackingScope {
 public:
  explicit BackingScope(Backing backing) noexcept;
  ~BackingScope();
  BackingScope(const BackingScope&) = delete;
  BackingScope& operator=(const BackingScope&) = delete;
};

}  // namespace kcov::host
