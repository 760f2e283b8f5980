// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The whole core with a port that is nothing but undefined symbols: compiled
// -ffreestanding, the object's only needs are those (freestanding.sh looks).
#include "core/descriptor.hpp"
#include "core/section.hpp"
#include "core/trace.hpp"

extern "C" {
kcov_task_state* port_current() noexcept;
int port_context() noexcept;
std::uintptr_t port_canonical_pc(std::uintptr_t pc) noexcept;
void port_lock(void* lock) noexcept;
void port_unlock(void* lock) noexcept;
void* port_allocate(std::size_t bytes) noexcept;
void port_release(void* memory) noexcept;
std::uint64_t* port_allocate_area(std::size_t bytes) noexcept;
void port_release_area(std::uint64_t* area, std::size_t bytes) noexcept;
bool port_copy_from_caller(void* to, std::uintptr_t from, std::size_t bytes) noexcept;
bool port_copy_to_caller(std::uintptr_t to, const void* from, std::size_t bytes) noexcept;
void port_warn(const char* text) noexcept;
void port_lock_calls() noexcept;
void port_unlock_calls() noexcept;
bool port_patch_calls(bool made) noexcept;
void port_sleep_later() noexcept;
}

namespace {

struct BarePort {
  struct Lock {
    explicit Lock(kcov::LockRank) noexcept {}
    void lock() noexcept { port_lock(this); }
    void unlock() noexcept { port_unlock(this); }
    std::uint64_t memory[2] = {};
  };
  static constexpr bool kComparisons = true;
  static kcov_task_state* current() noexcept { return port_current(); }
  static kcov::Context context() noexcept { return static_cast<kcov::Context>(port_context()); }
  static std::uintptr_t canonical_pc(std::uintptr_t pc) noexcept { return port_canonical_pc(pc); }
  static void* allocate(std::size_t bytes) noexcept { return port_allocate(bytes); }
  static void release(void* memory) noexcept { port_release(memory); }
  static std::uint64_t* allocate_area(std::size_t bytes) noexcept {
    return port_allocate_area(bytes);
  }
  static void release_area(std::uint64_t* area, std::size_t bytes) noexcept {
    port_release_area(area, bytes);
  }
  static bool copy_from_caller(void* to, std::uintptr_t from, std::size_t bytes) noexcept {
    return port_copy_from_caller(to, from, bytes);
  }
  static bool copy_to_caller(std::uintptr_t to, const void* from, std::size_t bytes) noexcept {
    return port_copy_to_caller(to, from, bytes);
  }
  static void warn(const char* text) noexcept { port_warn(text); }
  static void lock_calls() noexcept { port_lock_calls(); }
  static void unlock_calls() noexcept { port_unlock_calls(); }
  static bool patch_calls(bool made) noexcept { return port_patch_calls(made); }
  static void sleep_later() noexcept { port_sleep_later(); }
};
static_assert(kcov::Port<BarePort>);

}  // namespace

using Bare = kcov::Descriptor<BarePort>;

extern "C" {
void* bare_open() noexcept { return Bare::open(); }
void bare_close(void* file) noexcept { static_cast<Bare*>(file)->close(); }
int bare_control(void* file, std::uint32_t command, std::uintptr_t argument) noexcept {
  return static_cast<Bare*>(file)->control(command, argument);
}
int bare_map(void* file, std::uint64_t offset, std::size_t length, kcov::Mapping* out) noexcept {
  return static_cast<Bare*>(file)->map(offset, length, *out);
}
void bare_task_init(kcov_task_state* task, std::uint64_t inherited) noexcept {
  kcov::task_init(*task, inherited);
}
void bare_task_exit(kcov_task_state* task) noexcept { kcov::task_exit<BarePort>(*task); }
void bare_trace_pc(std::uintptr_t pc) noexcept { kcov::trace_pc<BarePort>(pc); }
void bare_trace_switch(std::uint64_t value, const std::uint64_t* cases) noexcept {
  kcov::trace_switch<BarePort>(value, cases, 0);
}
int bare_create() noexcept { return kcov::Remote<BarePort>::create(1, 64); }
void bare_section_start(std::uint64_t handle) noexcept { kcov::section_start<BarePort>(handle); }
void bare_section_stop() noexcept { kcov::section_stop<BarePort>(); }
std::uint64_t bare_common_handle() noexcept { return kcov::common_handle<BarePort>(); }
}
