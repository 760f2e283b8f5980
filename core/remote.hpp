// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Who collects what: the table of handles, and the areas that sections collect into.
// One for the whole system; a port makes it before anything else of kcov.
//
// Locking: `lock_` guards the table and all lists of areas, the descriptors' own
// included. It is taken inside a descriptor's lock, never the other way round.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "../include/kcov/uapi.h"
#include "error.hpp"
#include "memory.hpp"
#include "port.hpp"

namespace kcov {

template <Port P>
class Descriptor;

// Holds a port's lock for a scope.
template <Port P>
class Guard {
 public:
  explicit Guard(typename P::Lock& lock) noexcept : lock_(lock) { lock_.lock(); }
  ~Guard() { lock_.unlock(); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  typename P::Lock& lock_;
};

// What is wrong with a handle depends on where it stands (contract 20, 34).
enum class HandleKind { malformed, zero, common, subsystem };

[[gnu::always_inline]] inline HandleKind kind_of(std::uint64_t handle) noexcept {
  if ((handle & ~(KCOV_SUBSYSTEM_MASK | KCOV_INSTANCE_MASK)) != 0) return HandleKind::malformed;
  switch (handle & KCOV_SUBSYSTEM_MASK) {
    case KCOV_SUBSYSTEM_COMMON: return handle == 0 ? HandleKind::zero : HandleKind::common;
    case KCOV_SUBSYSTEM_USB: return HandleKind::subsystem;
    default: return HandleKind::malformed;
  }
}

// One handle of a descriptor that is enabled for remote coverage.
template <Port P>
struct HandleEntry {
  std::uint64_t handle = 0;
  Descriptor<P>* descriptor = nullptr;
  HandleEntry* next = nullptr;
};

// The buffer of one section: only the kernel writes to it.
struct SectionArea {
  SectionArea* next;
  std::uint64_t size;  // of words, in words
  std::uint64_t dropped;

  // What a binding's `area` points to.
  std::uint64_t* words() noexcept { return reinterpret_cast<std::uint64_t*>(this + 1); }
  static SectionArea* of(std::uint64_t* words) noexcept {
    return reinterpret_cast<SectionArea*>(words) - 1;
  }

  // With room for `size` words, or null. May sleep. Given back to P::release().
  template <Port P>
  static SectionArea* allocate(std::uint64_t size) noexcept {
    void* const memory = P::allocate(sizeof(SectionArea) + size * sizeof(std::uint64_t));
    return memory == nullptr ? nullptr : new (memory) SectionArea{nullptr, size, 0};
  }
};

// Gives back a list of areas. May sleep.
template <Port P>
void release_areas(SectionArea* first) noexcept {
  while (first != nullptr) {
    SectionArea* const area = first;
    first = area->next;
    P::release(area);
  }
}

template <Port P>
class Remote {
 public:
  // Makes the one instance, with `areas` areas of `words` words each for sections in
  // soft interrupts, which cannot allocate. kNoMemory: nothing was made. May sleep.
  [[nodiscard]] static int create(unsigned areas, std::uint64_t words) noexcept {
    void* const memory = P::allocate(sizeof(Remote));
    if (memory == nullptr) return kNoMemory;
    auto* const remote = new (memory) Remote;
    for (; areas > 0; --areas) {
      SectionArea* const area = SectionArea::allocate<P>(words);
      if (area == nullptr) {
        destroy(remote);
        return kNoMemory;
      }
      push(remote->soft_areas_, area);
    }
    instance_ = remote;
    return kOk;
  }

  // The instance, or null: nobody can have enabled a handle yet.
  static Remote* instance() noexcept { return instance_; }

  // Makes another one in the place of one that is another process's now: its memory is
  // the port's to deal with.
  static void forget() noexcept { instance_ = nullptr; }

  // Unmakes it; for a port that ends, and for tests. Nobody may use kcov any more.
  static void destroy() noexcept {
    destroy(instance_);
    instance_ = nullptr;
  }

  // The members below are to be called with this lock held.
  typename P::Lock& lock() noexcept { return lock_; }

  // The entry with this handle, or null.
  HandleEntry<P>* find(std::uint64_t handle) noexcept {
    HandleEntry<P>* entry = bucket(handle);
    while (entry != nullptr && entry->handle != handle) entry = entry->next;
    return entry;
  }

  // Enters it: kExists when its handle is taken, by whomever (contract 20).
  [[nodiscard]] int add(HandleEntry<P>& entry) noexcept {
    if (find(entry.handle) != nullptr) return kExists;
    push(bucket(entry.handle), &entry);
    return kOk;
  }

  void remove(HandleEntry<P>& entry) noexcept {
    HandleEntry<P>** link = &bucket(entry.handle);
    while (*link != &entry) link = &(*link)->next;
    *link = entry.next;
  }

  // Lists of areas: the soft interrupts' own, and one in each descriptor.
  SectionArea*& soft_areas() noexcept { return soft_areas_; }
  template <typename Node>
  static void push(Node*& list, Node* node) noexcept {
    node->next = list;
    list = node;
  }
  template <typename Node>
  static Node* pop(Node*& list) noexcept {
    Node* const node = list;
    if (node != nullptr) list = node->next;
    return node;
  }

  Remote(const Remote&) = delete;
  Remote& operator=(const Remote&) = delete;

 private:
  static constexpr std::size_t kBuckets = 64;

  Remote() noexcept = default;
  ~Remote() = default;

  static void destroy(Remote* remote) noexcept {
    release_areas<P>(remote->soft_areas_);
    remote->~Remote();
    P::release(remote);
  }

  HandleEntry<P>*& bucket(std::uint64_t handle) noexcept {
    // Instances are counted up, and few systems have more than one subsystem.
    return buckets_[(handle ^ (handle >> 56)) % kBuckets];
  }

  static inline constinit Remote* instance_ = nullptr;

  typename P::Lock lock_{LockRank::remote};
  HandleEntry<P>* buckets_[kBuckets] = {};
  SectionArea* soft_areas_ = nullptr;
};

}  // namespace kcov
