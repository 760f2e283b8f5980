// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What the core asks of a user-space process: tasks are threads, an area is a
// mapping of the file that stands for the descriptor (area.hpp), a descriptor lies
// in memory that is shared with forked children.
#pragma once

#include <pthread.h>

#include "core/descriptor.hpp"
#include "core/memory.hpp"
#include "core/port.hpp"
#include "core/section.hpp"
#include "port/host/handlers.hpp"
#include "port/host/sites.hpp"
#include "port/host/this_thread.hpp"

namespace kcov::host {

// The address that the program's own file, or the library that KCOV_HOST_IMAGE names, was
// loaded at, less the one it was linked for. Written by start() and start_descriptors(),
// before anything can be traced.
extern std::uintptr_t load_bias [[gnu::visibility("hidden")]];

// A mutex that works between processes, because a forked child shares the
// descriptor, and that survives the death of a process that held it.
class ProcessLock {
 public:
  explicit ProcessLock(LockRank rank) noexcept;
  ~ProcessLock() { pthread_mutex_destroy(&mutex_); }
  void lock() noexcept;
  void unlock() noexcept { pthread_mutex_unlock(&mutex_); }
  ProcessLock(const ProcessLock&) = delete;
  ProcessLock& operator=(const ProcessLock&) = delete;

 private:
  pthread_mutex_t mutex_;
};

struct HostPort {
  using Lock = ProcessLock;
  static constexpr bool kComparisons = true;

  // The three that the callback calls.
  [[gnu::always_inline]] static kcov_task_state* current() noexcept { return &this_thread.task; }
  [[gnu::always_inline]] static Context context() noexcept {
    return in_handler() ? Context::hard_interrupt : Context::task;
  }
  [[gnu::always_inline]] static std::uintptr_t canonical_pc(std::uintptr_t pc) noexcept {
    return pc - load_once(load_bias);
  }

  // Shared with forked children; release() takes down this process's map of it.
  static void* allocate(std::size_t bytes) noexcept;
  static void release(void* memory) noexcept;
  static std::uint64_t* allocate_area(std::size_t bytes) noexcept;
  static void release_area(std::uint64_t* area, std::size_t bytes) noexcept;
  static bool copy_from_caller(void* to, std::uintptr_t from, std::size_t bytes) noexcept;
  static bool copy_to_caller(std::uintptr_t to, const void* from, std::size_t bytes) noexcept;
  static void warn(const char* text) noexcept;

  // Dormancy: sites.hpp.
  static void lock_calls() noexcept { host::lock_calls(); }
  static void unlock_calls() noexcept { host::unlock_calls(); }
  static bool patch_calls(bool made) noexcept { return host::patch_calls(made); }
  static void sleep_later() noexcept { host::sleep_later(); }
};
static_assert(Port<HostPort>);

using HostDescriptor = Descriptor<HostPort>;

// How many processes have the descriptor's open file: the core's one file
// reference (contract 33) stands for all of them. share() for a child that is
// about to be forked; unshare() takes the calling process's map of the descriptor
// down, and closes the descriptor when it was the last one.
void share(HostDescriptor* descriptor) noexcept;
void unshare(HostDescriptor* descriptor) noexcept;

// Sees to it that the calling thread's end is a task's end (contract 32): false when
// it ends already and nothing of ours will run in it any more.
bool watch_thread_exit() noexcept;

// What watch_thread_exit() needs once for a process.
void start_watching() noexcept;

// Once, before anything else: the load bias, the fork handlers, dormancy. Any thread may ask.
void start() noexcept;

// The same before a descriptor is opened: the last time that the load bias may change.
void start_descriptors() noexcept;

// Begins the tracing that KCOV_HOST_TRACE asks for (trace_file.hpp).
void start_trace_file() noexcept;

}  // namespace kcov::host
