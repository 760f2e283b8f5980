// SPDX-License-Identifier: GPL-2.0-only OR MIT
// longjmp() and its like, which the library defines in the program's stead: a handler
// that is left by one of them is over (handlers.hpp).
//
// All of them end in _longjmp(), which is the same function under a name that hardly any
// program uses, and which a static program has too. That leaves its direct callers, and
// setcontext(), to the rule of the stack pointer.
#undef _FORTIFY_SOURCE  // its declarations are in the way of our definitions
#include <dlfcn.h>
#include <setjmp.h>

#include "port/host/handlers.hpp"

// Absent from a static program, where there is no next definition either.
extern "C" [[gnu::weak]] decltype(dlsym) dlsym;
extern "C" [[noreturn]] void __longjmp_chk(jmp_buf environment, int value);

namespace kcov::host {

namespace {

using LongJump = decltype(__longjmp_chk)*;
LongJump next_checked = nullptr;

// The stack pointer that a jump goes to; glibc keeps it scrambled. 0: not known here.
std::uintptr_t target_of(const __jmp_buf_tag* environment) noexcept {
#if defined(__x86_64__) && defined(__GLIBC__)
  auto target = static_cast<std::uintptr_t>(environment->__jmpbuf[6]);
  asm("ror $17, %0\n\txor %%fs:0x30, %0" : "+r"(target));
  return target;
#else
  (void)environment;
  return 0;
#endif
}

// Whether target_of() understands this library's buffers: asked of one whose target is
// known.
bool targets_known = false;

[[gnu::noinline]] bool try_target() noexcept {
  jmp_buf here;
  if (_setjmp(here) != 0) return false;
  const auto frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  constexpr std::uintptr_t kAtMost = 65536;  // bytes of this frame, with any sanitizer
  const std::uintptr_t target = target_of(here);
  return frame - kAtMost < target && target <= frame;
}

void leave(const __jmp_buf_tag* environment) noexcept {
  if (load_once(handlers.top) == nullptr) return;
  leave_handlers(targets_known ? target_of(environment) : 0);
}

}  // namespace

void start_jumps() noexcept {
  targets_known = try_target();
  if (dlsym != nullptr)
    next_checked = reinterpret_cast<LongJump>(dlsym(RTLD_NEXT, "__longjmp_chk"));
}

}  // namespace kcov::host

void longjmp(jmp_buf environment, int value) noexcept {
  kcov::host::leave(environment);
  _longjmp(environment, value);
}

void siglongjmp(sigjmp_buf environment, int value) noexcept {
  kcov::host::leave(environment);
  _longjmp(environment, value);
}

// What programs that are compiled with _FORTIFY_SOURCE call for all three.
void __longjmp_chk(jmp_buf environment, int value) {
  kcov::host::leave(environment);
  if (kcov::host::next_checked != nullptr) kcov::host::next_checked(environment, value);
  _longjmp(environment, value);
}
