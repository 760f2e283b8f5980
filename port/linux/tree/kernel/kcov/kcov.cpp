// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The core as Linux's kcov: the port, the callback, and the core's calls with C
// linkage for glue.c. No kernel header is included here: what has to be known of
// the kernel's structures comes through offsets.h.
#include "core/callbacks.hpp"
#include "core/descriptor.hpp"
#include "core/section.hpp"
#include "glue.h"
#include "offsets.h"

#ifdef CONFIG_PREEMPT_RT
#error "kcov: not on PREEMPT_RT, whose soft interrupts the preemption count does not show"
#endif

#if defined(CONFIG_UML)
#include "machine_um.hpp"
#elif defined(CONFIG_X86_64)
#include "machine_x86_64.hpp"
#else
#error "kcov: no machine_*.hpp for this architecture yet"
#endif

namespace {

using kcov::Context;

// A spinlock_t, known here by its size only; interrupts are off while it is held,
// because remote sections in soft interrupts take it too.
class SpinLock {
 public:
  explicit SpinLock(kcov::LockRank rank) noexcept {
    kcov_glue_lock_init(bytes_, rank == kcov::LockRank::remote);
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
    char* const task = kcov::machine::current_task();
    if (task == nullptr) [[unlikely]]
      return nullptr;
    auto* const state = reinterpret_cast<kcov_task_state*>(task + KCOV_OFFSET_TASK_STATE);
    // Spares the callers' own test: an offset from a task is never null.
    if (state == nullptr) __builtin_unreachable();
    return state;
  }

  [[gnu::always_inline]] static Context context() noexcept {
    const std::uint32_t count = kcov::machine::preempt_count();
    if ((count & (KCOV_HARD_INTERRUPT_MASK | KCOV_SOFT_INTERRUPT_MASK)) == 0) [[likely]] {
      return Context::task;
    }
    return (count & KCOV_HARD_INTERRUPT_MASK) != 0 ? Context::hard_interrupt
                                                   : Context::soft_interrupt;
  }

  [[gnu::always_inline]] static std::uintptr_t canonical_pc(std::uintptr_t pc) noexcept {
    return pc - kcov::machine::kaslr_offset();
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
};

static_assert(kcov::Port<LinuxPort>);

using LinuxDescriptor = kcov::Descriptor<LinuxPort>;

LinuxDescriptor* descriptor_of(void* opaque) { return static_cast<LinuxDescriptor*>(opaque); }

}  // namespace

KCOV_DEFINE_CALLBACKS(LinuxPort)
#ifdef CONFIG_KCOV_ENABLE_COMPARISONS
KCOV_DEFINE_COMPARISON_CALLBACKS(LinuxPort)
#endif

extern "C" {

void* kcov_core_open() { return LinuxDescriptor::open(); }

void kcov_core_close(void* descriptor) { descriptor_of(descriptor)->close(); }

int kcov_core_control(void* descriptor, std::uint32_t command, std::uintptr_t argument) {
  return descriptor_of(descriptor)->control(command, argument);
}

int kcov_core_map(void* descriptor, std::uint64_t offset, std::size_t length,
                  std::uint64_t** area) {
  kcov::Mapping mapping;
  const int error = descriptor_of(descriptor)->map(offset, length, mapping);
  *area = mapping.area;
  return error;
}

void kcov_core_task_init(kcov_task_state* task, std::uint64_t inherited_handle) {
  kcov::task_init(*task, inherited_handle);
}

void kcov_core_task_exit(kcov_task_state* task) { kcov::task_exit<LinuxPort>(*task); }

int kcov_core_create(unsigned soft_areas, std::uint64_t soft_words) {
  return kcov::Remote<LinuxPort>::create(soft_areas, soft_words);
}

void kcov_core_section_start(std::uint64_t handle) { kcov::section_start<LinuxPort>(handle); }

void kcov_core_section_stop() { kcov::section_stop<LinuxPort>(); }

std::uint64_t kcov_core_common_handle() { return kcov::common_handle<LinuxPort>(); }

}  // extern "C"
