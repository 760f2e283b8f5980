// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The port's memory, lock and voice.
//
// A descriptor lies in a page of its own that forked children share, behind a
// small header that counts the processes. An area is a shared mapping of the
// descriptor's file, which is what lets the program map the same memory again
// with the system's own mmap(), checked by the system's own rules.
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "port/host/host_port.hpp"

namespace kcov::host {

namespace {

struct alignas(64) Block {
  std::size_t bytes;
  std::atomic<std::uint32_t> processes;
};

constinit thread_local Backing backing{-1, 0};

// Makes the file reach to `bytes` and never cuts it: of two threads that
// initialise at once, the loser must not touch what the winner has. Once the file
// is sealed whoever wants it longer is a loser, and may as well have a map of it.
bool reach(int fd, off_t bytes) noexcept {
  struct stat status;
  if (fstat(fd, &status) != 0) return false;
  if (status.st_size >= bytes) return true;
  return ftruncate(fd, bytes) == 0 || errno == EPERM;
}

Block* block_of(void* memory) noexcept {
  return reinterpret_cast<Block*>(static_cast<unsigned char*>(memory) - sizeof(Block));
}

}  // namespace

BackingScope::BackingScope(Backing given) noexcept { backing = given; }
BackingScope::~BackingScope() { backing = {-1, 0}; }

ProcessLock::ProcessLock() noexcept {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&mutex_, &attributes);
  pthread_mutexattr_destroy(&attributes);
}

void ProcessLock::lock() noexcept {
  if (pthread_mutex_lock(&mutex_) == EOWNERDEAD) pthread_mutex_consistent(&mutex_);
}

void* HostPort::allocate(std::size_t bytes) noexcept {
  const std::size_t whole = sizeof(Block) + bytes;
  void* const memory =
      mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* const block = new (memory) Block{whole, 1};
  return block + 1;
}

void HostPort::release(void* memory) noexcept {
  Block* const block = block_of(memory);
  munmap(block, block->bytes);
}

std::uint64_t* HostPort::allocate_area(std::size_t bytes) noexcept {
  const auto end = backing.offset + static_cast<off_t>(bytes);
  if (!reach(backing.fd, end)) return nullptr;
  void* const area =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, backing.fd, backing.offset);
  return area == MAP_FAILED ? nullptr : static_cast<std::uint64_t*>(area);
}

void HostPort::release_area(std::uint64_t* area, std::size_t bytes) noexcept {
  munmap(area, bytes);
}

bool HostPort::copy_to_caller(std::uintptr_t to, const void* from, std::size_t bytes) noexcept {
  // Through the system, which says EFAULT where a plain store would be a signal.
  const iovec source{const_cast<void*>(from), bytes};
  const iovec target{reinterpret_cast<void*>(to), bytes};
  return process_vm_writev(getpid(), &source, 1, &target, 1, 0) == static_cast<ssize_t>(bytes);
}

void HostPort::warn(const char* text) noexcept {
  const iovec parts[] = {{const_cast<char*>(text), strlen(text)}, {const_cast<char*>("\n"), 1}};
  // There is nobody to tell that it could not be told.
  if (writev(STDERR_FILENO, parts, 2) < 0) return;
}

void share(HostDescriptor* descriptor) noexcept {
  block_of(descriptor)->processes.fetch_add(1, std::memory_order_relaxed);
}

void unshare(HostDescriptor* descriptor) noexcept {
  // Release: what this process did with the file is done. Acquire: the last one
  // sees what the others did.
  if (block_of(descriptor)->processes.fetch_sub(1, std::memory_order_acq_rel) == 1)
    descriptor->close();
}

}  // namespace kcov::host
