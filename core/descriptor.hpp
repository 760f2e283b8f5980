// SPDX-License-Identifier: GPL-2.0-only OR MIT
// One open kcov file: its states, its buffer and who is bound to it.
//
//            initialize              enable, remote_enable
//   disabled ----------> initialized ---------------------> local or remote
//                             ^                                  |
//                             +----------------------------------+
//                                     disable, task exit
//
// Local: the owner records what it executes itself. Remote: the owner only stands
// for the descriptor; what is recorded are sections that others execute on behalf of
// its handles (section.hpp), each merged into the buffer when it ends.
//
// References (contract 33): one for the open file, one for its owner, one for each
// section. The last to go frees the buffer and the descriptor, so a buffer outlives
// its file while a task still traces into it (contract 30).
//
// Locking: `lock_` guards all that changes, but for spare_areas_, which Remote's lock
// does. area_ and words_ are set once, by initialize(), and stand until the last
// reference goes, so what map() hands out stays valid as long as the file is open. What a
// section needs to begin (mode_, sequence_, section_words_) stands as long as a handle of
// the descriptor is in Remote's table, and these come and go with that lock held as well:
// a section that found one need not take lock_.
// dropped_ is written by the local owner without the lock, or by sections with it:
// never both, because a descriptor is either local or remote. Anybody may read it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "../include/kcov/uapi.h"
#include "binding.hpp"
#include "dormancy.hpp"
#include "error.hpp"
#include "memory.hpp"
#include "port.hpp"
#include "remote.hpp"
#include "remote_request.hpp"

namespace kcov {

static_assert(sizeof(kcov_remote_arg) == 24 && offsetof(kcov_remote_arg, common_handle) == 16);

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
    if (kcov_task_state* const task = P::current(); task != nullptr) end_left_behind(*task);
    switch (command) {
      case KCOV_INIT_TRACE: return initialize(argument);
      case KCOV_ENABLE: return enable(argument);
      case KCOV_DISABLE: return disable(argument);
      case KCOV_REMOTE_ENABLE: return remote_enable(argument);
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
      Guard<P> guard(lock_);
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
    Guard<P> guard(lock_);
    const std::size_t bytes = static_cast<std::size_t>(words_) * sizeof(std::uint64_t);
    if (area_ == nullptr || offset != 0 || length != bytes) return kInvalid;
    mapping = {area_, bytes};
    return kOk;
  }

  // Binds the calling task and starts tracing into the buffer, behind the records
  // that are there (contract 12-17). A failure changes nothing.
  [[nodiscard]] int enable(std::uint64_t mode) noexcept {
    kcov_task_state* const task = P::current();
    {
      // A request that is refused wakes nobody.
      Guard<P> guard(lock_);
      if (const int error = check_enable(task, mode); error != kOk) return error;
    }
    fault_in();
    Tracer<P> tracer;
    if (!tracer.calls_are_made()) return kNoMemory;
    Guard<P> guard(lock_);
    // Another task may have enabled it meanwhile.
    if (const int error = check_enable(task, mode); error != kOk) return error;
    mode_ = task_mode(mode);
    take(State::local, *task);
    bind(*task, mode_,
         {.area = area_,
          .capacity = capacity(words_, mode_),
          .dropped = &dropped_,
          .descriptor = this,
          .sequence = sequence_,
          .section = 0});
    tracer.keep();
    return kOk;
  }

  // KCOV_REMOTE_ENABLE with the kcov_remote_arg at `argument` of the calling program:
  // binds the calling task as owner, and the handles to this descriptor. Errors in the
  // order of contract 20; a failure changes nothing (contract 21).
  [[nodiscard]] int remote_enable(std::uintptr_t argument) noexcept {
    Request request;
    if (const int error = Request::read(argument, request); error != kOk) return error;
    const int error = remote_enable(request);
    if (error != kOk) P::release(request.memory);
    return error;
  }

  // Unbinds the calling task; kInvalid for an argument but 0 and for a task that
  // is not the bound one (contract 18-19). The records stand.
  [[nodiscard]] int disable(std::uint64_t argument) noexcept {
    kcov_task_state* const task = P::current();
    if (argument != 0 || task == nullptr) return kInvalid;
    if (is_local(*task) && task->bound.descriptor == this) return release_local(*task);
    if (task->remote == this) return release_remote(*task);
    return kInvalid;
  }

  // The calling task, which is `task`, ends: gives back what it enabled (contract 32).
  static void release_task(kcov_task_state& task) noexcept {
    if (is_local(task)) (void)static_cast<Descriptor*>(task.bound.descriptor)->release_local(task);
    if (task.remote != nullptr) (void)static_cast<Descriptor*>(task.remote)->release_remote(task);
  }

  // --- for section.hpp -----------------------------------------------------------

  // What a section begins with; to be called with Remote's lock held, on a descriptor
  // found by its handle. The section owes a put().
  struct SectionStart {
    std::uint32_t mode;
    std::uint32_t sequence;
    std::uint64_t words;
    SectionArea* spare;  // taken from the spare ones when `take_spare`, else null
  };
  SectionStart begin_section(bool take_spare) noexcept {
    references_.fetch_add(1, std::memory_order_relaxed);
    return {mode_, sequence_, section_words_, take_spare ? Remote<P>::pop(spare_areas_) : nullptr};
  }

  // The records of a section are lost, and at least that is counted, as one record.
  void count_lost_section(std::uint32_t sequence) noexcept {
    Guard<P> guard(lock_);
    if (sequence == sequence_) store_once(dropped_, load_once(dropped_) + 1);
  }

  // Ends what a soft interrupt that has returned should have ended: `task`, the running
  // one, is its own again. Other soft interrupts may have recorded there since, so the
  // section is lost, and counted (contract 36).
  static void end_left_behind(kcov_task_state& task) noexcept {
    if (load_once(task.soft_interrupt) == 0) return;
    // First, while what the warning itself executes goes where it is thrown away.
    P::warn("kcov: a soft interrupt returned in the midst of a remote section");
    Remote<P>* const remote = Remote<P>::instance();
    kcov_binding binding;
    {
      // Keeps the next soft interrupt out, which would take the section for its own.
      Guard<P> guard(remote->lock());
      if (load_once(task.soft_interrupt) == 0) return;
      binding = task.bound;
      put_back(task);
      Remote<P>::push(remote->soft_areas(), SectionArea::of(binding.area));
    }
    auto* const descriptor = static_cast<Descriptor*>(binding.descriptor);
    descriptor->count_lost_section(binding.sequence);
    descriptor->put();
  }

  // Appends the records of a section that began with `sequence`, whole records at a
  // time, unless the descriptor was disabled meanwhile (contract 35).
  void merge(SectionArea& section, std::uint32_t sequence) noexcept {
    Guard<P> guard(lock_);
    if (state_ != State::remote || sequence != sequence_) return;
    const std::uint64_t record_words = words_of_record(mode_);
    const std::uint64_t room = capacity(words_, mode_);
    const std::uint64_t begin = load_once(area_[0]);
    const std::uint64_t found = section.words()[0];
    const std::uint64_t free = begin < room ? room - begin : 0;
    const std::uint64_t moved = found < free ? found : free;
    // Word by word: a copy of a library's could be instrumented, or not be there.
    if (moved != 0) {
      std::uint64_t* const to = area_ + 1 + begin * record_words;
      const std::uint64_t* const from = section.words() + 1;
      for (std::uint64_t word = 0; word < moved * record_words; ++word)
        store_once(to[word], from[word]);
      // Pairs with the acquire of whoever reads the buffer: the records are there
      // before the count says so (contract 37).
      __atomic_store_n(&area_[0], begin + moved, __ATOMIC_RELEASE);
    }
    store_once(dropped_, load_once(dropped_) + section.dropped + (found - moved));
  }

  // Gives an area of a task's section back: false when it is of no more use here, and
  // is the caller's to release. To be called with Remote's lock held.
  [[nodiscard]] bool keep_area(SectionArea& section, std::uint32_t sequence) noexcept {
    if (sequence != load_once(sequence_)) return false;
    Remote<P>::push(spare_areas_, &section);
    return true;
  }

  // How many records fit into an area of `words` words.
  static std::uint64_t capacity(std::uint64_t words, std::uint32_t mode) noexcept {
    return words == 0 ? 0 : (words - 1) / words_of_record(mode);
  }

  // Gives back a reference. May sleep, when it was the last one.
  void put() noexcept {
    // Release: what this holder wrote is done. Acquire: the last one sees it all.
    if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (area_ != nullptr)
      P::release_area(area_, static_cast<std::size_t>(words_) * sizeof(std::uint64_t));
    this->~Descriptor();
    P::release(this);
  }

  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

 private:
  enum class State : std::uint8_t { disabled, initialized, local, remote };

  using Request = RemoteRequest<P>;

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

  static int check_mode(std::uint64_t mode) noexcept {
    if (mode != KCOV_TRACE_PC && mode != KCOV_TRACE_CMP) return kInvalid;
    return mode == KCOV_TRACE_CMP && !P::kComparisons ? kNotSupported : kOk;
  }
  static std::uint32_t task_mode(std::uint64_t mode) noexcept {
    return mode == KCOV_TRACE_PC ? KCOV_MODE_TRACE_PC : KCOV_MODE_TRACE_CMP;
  }
  static std::uint64_t words_of_record(std::uint32_t mode) noexcept {
    return mode == KCOV_MODE_TRACE_PC ? 1 : KCOV_WORDS_PER_CMP;
  }
  static bool is_local(const kcov_task_state& task) noexcept {
    return task.bound.descriptor != nullptr && task.bound.section == 0;
  }

  // With lock_ held: what is wrong with an ENABLE (contract 13-15).
  int check_enable(const kcov_task_state* task, std::uint64_t mode) const noexcept {
    if (state_ != State::initialized) return kInvalid;
    if (task == nullptr || task->bound.descriptor != nullptr) return kBusy;
    return check_mode(mode);
  }

  // With lock_ and Remote's held: enters the handles, unless something is wrong with the
  // request (contract 20).
  [[nodiscard]] int enter(Request& request, const kcov_task_state* task,
                          Remote<P>& remote) noexcept {
    if (state_ != State::initialized) return kInvalid;
    // Its local slot may be taken: a thread can be both (contract 22).
    if (task == nullptr || task->remote != nullptr) return kBusy;
    if (const int error = check_mode(request.arg->trace_mode); error != kOk) return error;
    if (request.arg->area_size == 0) return kInvalid;  // contract 23
    return request.add_handles(remote, *this);
  }

  [[nodiscard]] int remote_enable(Request& request) noexcept {
    const kcov_remote_arg& arg = *request.arg;
    kcov_task_state* const task = P::current();
    Remote<P>* const remote = Remote<P>::instance();
    if (remote == nullptr) return kNoMemory;
    {
      // A request that is refused wakes nobody. Nobody sees the handles: they are out again
      // before the lock is.
      Guard<P> guard(lock_);
      Guard<P> remote_guard(remote->lock());
      if (const int error = enter(request, task, *remote); error != kOk) return error;
      request.remove_handles(*remote);
    }
    Tracer<P> tracer;
    if (!tracer.calls_are_made()) return kNoMemory;
    Guard<P> guard(lock_);
    Guard<P> remote_guard(remote->lock());
    // Another task may have been quicker meanwhile.
    if (const int error = enter(request, task, *remote); error != kOk) return error;
    tracer.keep();
    take(State::remote, *task);
    mode_ = task_mode(arg.trace_mode);
    section_words_ = arg.area_size;
    handles_ = request;
    task->remote = this;
    if (arg.common_handle != 0) task->common_handle = arg.common_handle;
    return kOk;
  }

  // With lock_ held: the task becomes the owner, and holds a reference.
  void take(State state, kcov_task_state& task) noexcept {
    references_.fetch_add(1, std::memory_order_relaxed);
    state_ = state;
    owner_ = &task;
  }

  // With lock_ held. False, and a warning, when it is not the owner.
  bool is_owner(const kcov_task_state& task) noexcept {
    if (owner_ == &task) return true;
    P::warn("kcov: a task is bound to a descriptor that is bound to another");
    return false;
  }

  [[nodiscard]] int release_local(kcov_task_state& task) noexcept {
    {
      Guard<P> guard(lock_);
      if (!is_owner(task)) return kInvalid;
      unbind(task);
      owner_ = nullptr;
      state_ = State::initialized;
      store_once(sequence_, sequence_ + 1);
    }
    Dormancy<P>::end();
    put();
    return kOk;
  }

  [[nodiscard]] int release_remote(kcov_task_state& task) noexcept {
    Request handles;
    SectionArea* areas;
    {
      Guard<P> guard(lock_);
      if (!is_owner(task)) return kInvalid;
      task.remote = nullptr;
      task.common_handle = 0;
      Guard<P> remote_guard(Remote<P>::instance()->lock());
      handles_.remove_handles(*Remote<P>::instance());
      owner_ = nullptr;
      state_ = State::initialized;
      // Sections that are under way know from it that their records are not wanted.
      store_once(sequence_, sequence_ + 1);
      handles = handles_;
      handles_ = {};
      areas = spare_areas_;
      spare_areas_ = nullptr;
    }
    P::release(handles.memory);
    release_areas<P>(areas);
    Dormancy<P>::end();
    put();
    return kOk;
  }

  typename P::Lock lock_{LockRank::descriptor};
  std::atomic<std::uint32_t> references_{1};
  State state_ = State::disabled;
  std::uint32_t mode_ = KCOV_MODE_OFF;  // while local or remote
  std::uint32_t sequence_ = 1;
  std::uint64_t words_ = 0;
  std::uint64_t* area_ = nullptr;
  kcov_task_state* owner_ = nullptr;
  std::uint64_t dropped_ = 0;
  // While remote.
  std::uint64_t section_words_ = 0;
  Request handles_;
  SectionArea* spare_areas_ = nullptr;
};

}  // namespace kcov
