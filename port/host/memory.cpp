// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The port's memory for descriptors, lock and voice.
//
// A descriptor lies in a page of its own that forked children share, behind a
// small header that counts the processes.
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "port/host/host_port.hpp"

namespace kcov::host {

namespace {

struct alignas(64) Block {
  std::size_t bytes;
  std::atomic<std::uint32_t> processes;
};

Block* block_of(void* memory) noexcept {
  return reinterpret_cast<Block*>(static_cast<unsigned char*>(memory) - sizeof(Block));
}

}  // namespace

ProcessLock::ProcessLock(LockRank) noexcept {
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

// Both through the system, which says EFAULT where a plain access would be a signal.
bool HostPort::copy_from_caller(void* to, std::uintptr_t from, std::size_t bytes) noexcept {
  const iovec target{to, bytes};
  const iovec source{reinterpret_cast<void*>(from), bytes};
  return process_vm_readv(gettid(), &target, 1, &source, 1, 0) == static_cast<ssize_t>(bytes);
}

bool HostPort::copy_to_caller(std::uintptr_t to, const void* from, std::size_t bytes) noexcept {
  const iovec source{const_cast<void*>(from), bytes};
  const iovec target{reinterpret_cast<void*>(to), bytes};
  return process_vm_writev(gettid(), &source, 1, &target, 1, 0) == static_cast<ssize_t>(bytes);
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
  if (block_of(descriptor)->processes.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    descriptor->close();
  } else {
    HostPort::release(descriptor);
  }
}

}  // namespace kcov::host
