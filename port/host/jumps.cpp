// SPDX-License-Identifier: GPL-2.0-only OR MIT
// longjmp() and its like, which the library defines in the program's stead: a handler
// that is left by one of them is over (handlers.hpp).
//
// A static program has no other definition of these: there they end in _longjmp(), the
// same function under a name that hardly any program uses. Its direct callers, and
// setcontext(), are left to the rule of the stack pointer.
#undef _FORTIFY_SOURCE  // its declarations are in the way of our definitions
#include <setjmp.h>

#include "port/host/handlers.hpp"
#include "port/host/next_definition.hpp"

extern "C" {
void __longjmp_chk(jmp_buf environment, int value);
// A sanitizer's.
[[gnu::weak]] void __interceptor_longjmp(jmp_buf environment, int value);
[[gnu::weak]] void __interceptor_siglongjmp(jmp_buf environment, int value);
[[gnu::weak]] void __interceptor___longjmp_chk(jmp_buf environment, int value);
}

KCOV_HOST_OWN(longjmp, noreturn);
KCOV_HOST_OWN(siglongjmp, noreturn);
KCOV_HOST_OWN(__longjmp_chk);

namespace kcov::host {

namespace {

using LongJump = void(__jmp_buf_tag*, int);
// Stored once; a jump that comes before does without whoever is in between.
LongJump* next_longjmp = ::_longjmp;
LongJump* next_siglongjmp = ::_longjmp;
LongJump* next_checked = ::_longjmp;

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

[[noreturn]] void jump(LongJump*& next, __jmp_buf_tag* environment, int value) noexcept {
  if (load_once(this_thread.handlers.top) != nullptr)
    leave_handlers(load_once(targets_known) ? target_of(environment) : 0);
  load_once(next)(environment, value);
  __builtin_unreachable();
}

}  // namespace

void start_jumps() noexcept {
  store_once(targets_known, try_target());
  store_once(next_longjmp, next_definition<LongJump>("longjmp", kcov_host_own_longjmp,
                                                     __interceptor_longjmp, ::_longjmp));
  store_once(next_siglongjmp, next_definition<LongJump>("siglongjmp", kcov_host_own_siglongjmp,
                                                        __interceptor_siglongjmp, ::_longjmp));
  store_once(next_checked, next_definition<LongJump>("__longjmp_chk", kcov_host_own___longjmp_chk,
                                                     __interceptor___longjmp_chk, ::_longjmp));
}

}  // namespace kcov::host

void longjmp(jmp_buf environment, int value) noexcept {
  kcov::host::jump(kcov::host::next_longjmp, environment, value);
}

void siglongjmp(sigjmp_buf environment, int value) noexcept {
  kcov::host::jump(kcov::host::next_siglongjmp, environment, value);
}

// What programs that are compiled with _FORTIFY_SOURCE call for all three.
void __longjmp_chk(jmp_buf environment, int value) {
  kcov::host::jump(kcov::host::next_checked, environment, value);
}
