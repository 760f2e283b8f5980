// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What the core asks of a system (core/port.hpp), answered by Linux. No kernel header is
// included here: what has to be known of the kernel's structures comes through offsets.h.
#pragma once

#include "core/port.hpp"
#include "glue.h"
#include "offsets.h"

#ifdef CONFIG_PREEMPT_RT
#error "kcov: not on PREEMPT_RT, whose soft interrupts the preemption count does not show"
#endif

// A constant of offsets.h in the text of an assembler.
#define KCOV_TEXT(constant) KCOV_TEXT_OF(constant)
#define KCOV_TEXT_OF(text) #text

#if defined(CONFIG_UML)
#include "machine_um.hpp"
#elif defined(CONFIG_X86_64)
#include "machine_x86_64.hpp"
#else
#error "kcov: no machine_*.hpp for this architecture yet"
#endif

namespace kcov {

// Of each file that includes it: what is made from templates over it is then local to that
// file too, and in no section that the kernel's linker script does not know.
namespace {

// A spinlock_t, known here by its size only; interrupts are off while it is held,
// because remote sections in soft interrupts take it too.
class SpinLock {
 public:
  explicit SpinLock(LockRank rank) noexcept {
    kcov_glue_lock_init(bytes_, rank == LockRank::remote);
  }
  void lock() noexcept { flags_ = kcov_glue_lock(bytes_); }
  void unlock() noexcept { kcov_glue_unlock(bytes_, flags_); }

 private:
  // KCOV_SPINLOCK_SIZE is 0 on a uniprocessor without lock debugging.
  alignas(
      KCOV_SPINLOCK_ALIGN) unsigned char bytes_[KCOV_SPINLOCK_SIZE == 0 ? 1 : KCOV_SPINLOCK_SIZE];
  // Written and read only by the holder.
  unsigned long flags_ = 0;
};

struct LinuxPort {
  using Lock = SpinLock;

#ifdef CONFIG_KCOV_ENABLE_COMPARISONS
  static constexpr bool kComparisons = true;
#else
  static constexpr bool kComparisons = false;
#endif

  [[gnu::always_inline]] static kcov_task_state* current() noexcept {
    char* const task = machine::current_task();
    if (task == nullptr) [[unlikely]]
      return nullptr;
    auto* const state = reinterpret_cast<kcov_task_state*>(task + KCOV_OFFSET_TASK_STATE);
    // Spares the callers' own test: an offset from a task is never null.
    if (state == nullptr) __builtin_unreachable();
    return state;
  }

  [[gnu::always_inline]] static Context context() noexcept {
    const std::uint32_t count = machine::preempt_count();
    if ((count & (KCOV_HARD_INTERRUPT_MASK | KCOV_SOFT_INTERRUPT_MASK)) == 0) [[likely]] {
      return Context::task;
    }
    return (count & KCOV_HARD_INTERRUPT_MASK) != 0 ? Context::hard_interrupt
                                                   : Context::soft_interrupt;
  }

  // The same bits of the count, as they are.
  static constexpr std::uint32_t kSoftInterrupt = KCOV_SOFT_INTERRUPT_MASK;
  [[gnu::always_inline]] static std::uint32_t context_word() noexcept {
    return machine::preempt_count() & (KCOV_HARD_INTERRUPT_MASK | KCOV_SOFT_INTERRUPT_MASK);
  }

  [[gnu::always_inline]] static std::uintptr_t canonical_pc(std::uintptr_t pc) noexcept {
    return pc - machine::kaslr_offset();
  }

  static void* allocate(std::size_t bytes) noexcept { return kcov_glue_allocate(bytes); }
  static void release(void* memory) noexcept { kcov_glue_release(memory); }
  static std::uint64_t* allocate_area(std::size_t bytes) noexcept {
    return kcov_glue_allocate_area(bytes);
  }
  static void release_area(std::uint64_t* area, std::size_t) noexcept {
    kcov_glue_release_area(area);
  }
  static bool copy_from_caller(void* destination, std::uintptr_t source,
                               std::size_t bytes) noexcept {
    return kcov_glue_copy_from_user(destination, source, bytes);
  }
  static bool copy_to_caller(std::uintptr_t destination, const void* source,
                             std::size_t bytes) noexcept {
    return kcov_glue_copy_to_user(destination, source, bytes);
  }
  static void warn(const char* text) noexcept { kcov_glue_warn(text); }
  static void lock_calls() noexcept { kcov_glue_lock_calls(); }
  static void unlock_calls() noexcept { kcov_glue_unlock_calls(); }
  static bool patch_calls(bool made) noexcept { return kcov_glue_patch_calls(made); }
  static void sleep_later() noexcept { kcov_glue_sleep_later(); }
};

static_assert(Port<LinuxPort>);

}  // namespace
}  // namespace kcov
