// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Maps of buffers (area.hpp).
#include "port/host/area.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "port/host/host_port.hpp"

namespace kcov::host {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kLargest = (KCOV_MAX_WORDS * sizeof(std::uint64_t) + kPage - 1) & -kPage;

constinit thread_local Backing backing{-1, nullptr};

// Whether INIT has succeeded: it seals the file.
bool initialized(int fd) noexcept {
  const int seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);
  return seals >= 0 && (seals & F_SEAL_GROW) != 0;
}

// Makes the file reach to `bytes` and never cuts it: of two processes that
// initialise at once, the loser must not touch what the winner has. Once the file
// is sealed whoever wants it longer is a loser, and the core will tell it so.
bool reach(int fd, std::size_t bytes) noexcept {
  if (fd < 0) return true;
  struct stat status;
  if (fstat(fd, &status) != 0) return false;
  if (static_cast<std::size_t>(status.st_size) >= bytes || initialized(fd)) return true;
  // Past this limit it would be a signal.
  rlimit most{};
  if (getrlimit(RLIMIT_FSIZE, &most) == 0 && bytes > most.rlim_cur) return false;
  return ftruncate(fd, static_cast<off_t>(bytes)) == 0 || errno == EPERM;
}

bool grow(LocalArea& area, std::size_t bytes) noexcept {
  void* const moved = mremap(area.start, area.bytes, bytes, MREMAP_MAYMOVE);
  if (moved == MAP_FAILED) return false;
  area.start = moved;
  area.bytes = bytes;
  return true;
}

// What a fork may take of the address space. Where that is limited it is the
// program's for the most part: a sixteenth for each descriptor.
std::size_t reservation() noexcept {
  rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kLargest;
  const std::size_t share = limit.rlim_cur / 16 & -kPage;
  return share < kLargest ? share : kLargest;
}

}  // namespace

BackingScope::BackingScope(Backing given) noexcept { backing = given; }
BackingScope::~BackingScope() { backing = {-1, nullptr}; }

bool map_area(LocalArea& area, int fd) noexcept {
  void* const start = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (start == MAP_FAILED) return false;
  area = {start, kPage, false};
  return true;
}

void reserve_area(LocalArea& area) noexcept {
  if (area.stands) return;
  // Halved until it fits: limits there are that cannot be asked for. The page that
  // is there already is the least.
  for (std::size_t bytes = reservation(); bytes > area.bytes; bytes = bytes / 2 & -kPage)
    if (grow(area, bytes)) break;
  // A core dump would be 2 GiB longer for each. The program's own maps stay in it.
  madvise(area.start, area.bytes, MADV_DONTDUMP);
  area.stands = true;
}

void unmap_area(LocalArea& area) noexcept {
  if (area.start != nullptr) munmap(area.start, area.bytes);
  area = {};
}

std::uint64_t* HostPort::allocate_area(std::size_t bytes) noexcept {
  LocalArea& area = *backing.area;
  if (!area.stands) {
    if (!reach(backing.fd, bytes)) return nullptr;
    if (bytes > area.bytes && !grow(area, bytes)) return nullptr;
    area.stands = true;
  } else if (bytes > area.bytes) {
    // Either there is a buffer already and the core says EBUSY, never using this
    // one, or the reservation came out too small.
    if (!initialized(backing.fd)) return nullptr;
  } else if (!reach(backing.fd, bytes)) {
    return nullptr;
  }
  return static_cast<std::uint64_t*>(area.start);
}

// An area goes with the process's last use of the file, not with the core's last
// reference: that one may go in another process, which has a map of its own.
void HostPort::release_area(std::uint64_t*, std::size_t) noexcept {}

}  // namespace kcov::host
