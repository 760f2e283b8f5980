// SPDX-License-Identifier: GPL-2.0-only OR MIT
// One open kcov file: its states, its buffer and who is bound to it.
//
//            initialize              enable
//   disabled ----------> initialized -------> tracing
//                             ^                  |
//                             +------------------+
//                             disable, task exit
//
// References (contract 33): one for the open file, one for each bound task. The
// last to go frees the buffer and the descriptor, so a buffer outlives its file
// while a task still traces into it (contract 30).
//
// Locking: `lock_` guards state_, area_, words_, owner_ and sequence_. area_ and
// words_ are set once, by initialize(), and stand until the last reference goes,
// so what map() hands out stays valid as long as the file is open. dropped_ is
// written by the bound task alone, without the lock, and may be read by anybody.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "../include/kcov/uapi.h"
#include "error.hpp"
#include "memory.hpp"
#include "port.hpp"

namespace kcov {

// The bytes that a successful Descriptor::map() asks its port to map.
struct Mapping {
  std::uint64_t* area = nullptr;
  std::size_t bytes = 0;
};

template <Port P>
class Descriptor {
 public:
  // A descriptor in state disabled, with the open file's reference, or null when
  // there is no memory (contract 1).
  [[nodiscard]] static Descriptor* open() noexcept {
    void* const memory = P::allocate(sizeof(Descriptor));
    return memory == nullptr ? nullptr : new (memory) Descriptor;
  }

  // The last file reference to it is gone. Tracing goes on (contract 30).
  void close() noexcept { put(); }

  // An ioctl of the calling task: 0 or a negative errno (contract 4).
  [[nodiscard]] int control(std::uint32_t command, std::uintptr_t argument) noexcept {
    switch (command) {
      case KCOV_INIT_TRACE: return initialize(argument);
      case KCOV_ENABLE: return enable(argument);
      case KCOV_DISABLE: return disable(argument);
      case KCOV_GET_DROPPED: {
        const std::uint64_t count = load_once(dropped_);
        return P::copy_to_caller(argument, &count, sizeof count) ? kOk : kFault;
      }
      default: return kNoSuchCommand;
    }
  }

  // Gives the descriptor a zeroed buffer of `words` 8-byte words. kInvalid for a
  // size out of range whatever the state, kBusy when it has one (contract 5-7).
  [[nodiscard]] int initialize(std::uint64_t words) noexcept {
    if (words < 2 || words > KCOV_MAX_WORDS) return kInvalid;
    const std::size_t bytes = static_cast<std::size_t>(words) * sizeof(std::uint64_t);
    // Outside the lock: it may sleep. Whoever loses the race gives its own back.
    std::uint64_t* const area = P::allocate_area(bytes);
    if (area == nullptr) return kNoMemory;
    {
      Guard guard(lock_);
      if (state_ == State::disabled) {
        words_ = words;
        state_ = State::initialized;
        // Pairs with the acquire in enable(), which reads it without the lock.
        __atomic_store_n(&area_, area, __ATOMIC_RELEASE);
        return kOk;
      }
    }
    P::release_area(area, bytes);
    return kBusy;
  }

  // Checks a request to map `length` bytes at `offset`: kInvalid before
  // initialize(), for any offset but 0 and any length but the buffer's (contract 8).
  [[nodiscard]] int map(std::uint64_t offset, std::size_t length, Mapping& mapping) noexcept {
    Guard guard(lock_);
    const std::size_t bytes = static_cast<std::size_t>(words_) * sizeof(std::uint64_t);
    if (area_ == nullptr || offset != 0 || length != bytes) return kInvalid;
    mapping = {area_, bytes};
    return kOk;
  }

  // Binds the calling task and starts tracing into the buffer, behind the records
  // that are there (contract 12-17). A failure changes nothing.
  [[nodiscard]] int enable(std::uint64_t mode) noexcept {
    fault_in();
    kcov_task_state* const task = P::current();
    Guard guard(lock_);
    if (state_ != State::initialized) return kInvalid;
    if (task == nullptr || task->descriptor != nullptr) return kBusy;
    if (mode != KCOV_TRACE_PC && mode != KCOV_TRACE_CMP) return kInvalid;
    if (mode == KCOV_TRACE_CMP && !P::kComparisons) return kNotSupported;
    references_.fetch_add(1, std::memory_order_relaxed);
    state_ = State::tracing;
    owner_ = task;
    bind(*task, mode == KCOV_TRACE_PC ? KCOV_MODE_TRACE_PC : KCOV_MODE_TRACE_CMP);
    return kOk;
  }

  // Unbinds the calling task; kInvalid for an argument but 0 and for a task that
  // is not the bound one (contract 18-19). The records stand.
  [[nodiscard]] int disable(std::uint64_t argument) noexcept {
    kcov_task_state* const task = P::current();
    if (argument != 0 || task == nullptr || task->descriptor != this) return kInvalid;
    return release_task(*task) ? kOk : kInvalid;
  }

  // The calling task, which is `task`, ends (contract 32). To be called before
  // anything else of the exit path, so that none of it is recorded.
  static void task_exit(kcov_task_state& task) noexcept {
    auto* const descriptor = static_cast<Descriptor*>(task.descriptor);
    if (descriptor != nullptr) descriptor->release_task(task);
  }

  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

 private:
  enum class State : std::uint8_t { disabled, initialized, tracing };

  class Guard {
   public:
    explicit Guard(typename P::Lock& lock) noexcept : lock_(lock) { lock_.lock(); }
    ~Guard() { lock_.unlock(); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    typename P::Lock& lock_;
  };

  Descriptor() noexcept = default;
  ~Descriptor() = default;

  // Touches each page of the buffer, so that the callback cannot fault: where
  // kernel mappings are filled in lazily, the fault would call back in its turn
  // (contract 17). Before the lock is taken, because a buffer may have half a
  // million pages.
  void fault_in() const noexcept {
    constexpr std::size_t kPageWords = 4096 / sizeof(std::uint64_t);
    // Pairs with the release in initialize(): whoever sees the area sees its size.
    const std::uint64_t* const area = __atomic_load_n(&area_, __ATOMIC_ACQUIRE);
    if (area == nullptr) return;
    for (std::size_t word = 0; word < words_; word += kPageWords) (void)load_once(area[word]);
  }

  void bind(kcov_task_state& task, std::uint32_t mode) noexcept {
    const std::uint64_t record_words = mode == KCOV_MODE_TRACE_PC ? 1 : KCOV_WORDS_PER_CMP;
    task.descriptor = this;
    task.area = area_;
    task.capacity = (words_ - 1) / record_words;
    task.dropped = &dropped_;
    task.sequence = sequence_;
    // Pairs with the barrier in tracing_task(): the area before the mode.
    compiler_barrier();
    store_once(task.mode, mode);
  }

  static void unbind(kcov_task_state& task) noexcept {
    store_once(task.mode, KCOV_MODE_OFF);
    // The mode before the area: an interrupt after this line finds tracing off.
    compiler_barrier();
    task.descriptor = nullptr;
    task.area = nullptr;
    task.capacity = 0;
    task.dropped = nullptr;
    task.sequence = 0;
  }

  // Ends the binding between the running task and this descriptor.
  bool release_task(kcov_task_state& task) noexcept {
    {
      Guard guard(lock_);
      if (owner_ != &task) {
        P::warn("kcov: a task is bound to a descriptor that is bound to another");
        return false;
      }
      unbind(task);
      owner_ = nullptr;
      state_ = State::initialized;
      ++sequence_;
    }
    put();
    return true;
  }

  void put() noexcept {
    // Release: what this holder wrote is done. Acquire: the last one sees it all.
    if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (area_ != nullptr)
      P::release_area(area_, static_cast<std::size_t>(words_) * sizeof(std::uint64_t));
    this->~Descriptor();
    P::release(this);
  }

  typename P::Lock lock_;
  std::atomic<std::uint32_t> references_{1};
  State state_ = State::disabled;
  std::uint32_t sequence_ = 1;
  std::uint64_t words_ = 0;
  std::uint64_t* area_ = nullptr;
  kcov_task_state* owner_ = nullptr;
  std::uint64_t dropped_ = 0;
};

// Makes `task`, just created by a task whose common handle is `inherited`,
// untraced (contract 31).
inline void task_init(kcov_task_state& task, std::uint64_t inherited) noexcept {
  task = kcov_task_state{};
  task.common_handle = inherited;
}

}  // namespace kcov
