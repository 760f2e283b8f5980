// SPDX-License-Identifier: GPL-2.0-only OR MIT
// sigaction() and its like, which the library defines in the program's stead, so that a
// handler is entered through an entry of ours, which records its frame (handlers.hpp).
//
// An entry is a function of its own for each handler there is, for ever: a pair of a slot
// and the template's instance that reads it. So what the system keeps for a signal
// (handler, flags, mask) stays one thing that it exchanges as a whole, and the program's
// handler can be told from the entry's address. There is no table by signal that could
// disagree with the system's: no lock, nothing to do for fork() and vfork(), and all of it
// may be called from handlers and from several threads.
//
// Flags are left alone, so SA_RESETHAND, SA_NODEFER, SA_SIGINFO and SA_ONSTACK mean what
// they mean. An entry hands on the three arguments that it is entered with, whatever the
// handler takes, which is what the system does.
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <utility>

#include "port/host/errno_kept.hpp"
#include "port/host/handlers.hpp"
#include "port/host/next_definition.hpp"
#include "port/x86_64/unmade_call.h"

// The C library's own, by a name that nobody else defines.
extern "C" int __sigaction(int, const struct sigaction*, struct sigaction*);
// A sanitizer's.
extern "C" [[gnu::weak]] int __interceptor_sigaction(int, const struct sigaction*,
                                                     struct sigaction*);

KCOV_HOST_OWN(sigaction);

// This file is compiled with exceptions: one that is thrown by a handler unwinds the entry.
// Only a program in C++ can throw one, and it has what that takes; a program in C is not to
// need it on our account.
asm(".weak __gxx_personality_v0\n\t.weak _Unwind_Resume");

namespace kcov::host {

namespace {

using Handler = void (*)(int, siginfo_t*, void*);
using Sigaction = int (*)(int, const struct sigaction*, struct sigaction*);

// Different functions that a process may have installed at any time in its life. Those
// past that are installed as they are, and count as the thread they interrupt.
constexpr std::size_t kSlots = 256;

// Filled from the first on, each once.
std::array<std::atomic<Handler>, kSlots> slots{};

// An instruction whose prefixes are a call that is not made (call_site.hpp) begins at the
// first of them, and there a fault in it is seen. Whoever looks for the instruction (a handler that
// goes by addresses, an exception that is thrown from it, by the table of what can throw) finds it
// behind them, where it goes on just as well.
void skip_prefixes([[maybe_unused]] int signal, [[maybe_unused]] siginfo_t* info,
                   [[maybe_unused]] void* context) noexcept {
#if defined(__x86_64__) && defined(__LP64__)
  if (signal != SIGSEGV && signal != SIGBUS && signal != SIGFPE && signal != SIGILL) return;
  if (context == nullptr) return;
  auto& at = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP];
  unsigned char code[KCOV_CALL_SIZE];
  const ErrnoKept kept;
  // Where it cannot be read nothing could be executed either.
  const iovec to{code, sizeof code};
  const iovec from{reinterpret_cast<void*>(at), sizeof code};
  if (syscall(SYS_process_vm_readv, syscall(SYS_getpid), &to, 1L, &from, 1L, 0L) != sizeof code)
    return;
  if (code[0] != KCOV_CALL_PREFIX || kcov_read_target(code + 1) < 0) return;
  // Of these two si_addr is the instruction's.
  if ((signal == SIGFPE || signal == SIGILL) && info != nullptr &&
      info->si_addr == reinterpret_cast<void*>(at))
    info->si_addr = reinterpret_cast<void*>(at + KCOV_CALL_SIZE);
  at += KCOV_CALL_SIZE;
#endif
}

[[gnu::noinline]] void run(Handler handler, int signal, siginfo_t* info, void* context) {
  const HandlerScope scope(__builtin_frame_address(0));
  skip_prefixes(signal, info, context);
  handler(signal, info, context);
}

template <std::size_t slot>
void entry(int signal, siginfo_t* info, void* context) {
  run(slots[slot].load(std::memory_order_relaxed), signal, info, context);
}

template <std::size_t... slot>
constexpr std::array<Handler, kSlots> all_entries(std::index_sequence<slot...>) {
  return {entry<slot>...};
}
constexpr std::array<Handler, kSlots> entries = all_entries(std::make_index_sequence<kSlots>());

// What stands for no handler in the field of one.
bool is_handler(sighandler_t value) noexcept {
  return value != SIG_DFL && value != SIG_IGN && value != SIG_ERR && value != SIG_HOLD;
}

// The program's handler behind an entry; anything else is itself.
Handler handler_behind(Handler installed) noexcept {
  for (std::size_t slot = 0; slot < kSlots; ++slot)
    if (entries[slot] == installed) return slots[slot].load(std::memory_order_relaxed);
  return installed;
}

// What to install for a handler of the program's.
Handler entry_of(Handler handler) noexcept {
  // One of ours comes from somebody who asked the system itself.
  if (handler_behind(handler) != handler) return handler;
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    Handler found = slots[slot].load(std::memory_order_relaxed);
    // Relaxed: nothing but the value itself is handed from one to the other.
    if (found == nullptr &&
        slots[slot].compare_exchange_strong(found, handler, std::memory_order_relaxed))
      found = handler;
    if (found == handler) return entries[slot];
  }
  return handler;
}

Sigaction next = nullptr;

Sigaction find_next() noexcept {
  return next_definition<int(int, const struct sigaction*, struct sigaction*)>(
      "sigaction", kcov_host_own_sigaction, __interceptor_sigaction, __sigaction);
}

int call_next(int signal, const struct sigaction* action, struct sigaction* old) noexcept {
  Sigaction to = load_once(next);
  if (to == nullptr) store_once(next, to = find_next());
  return to(signal, action, old);
}

int set_action(int signal, const struct sigaction* action, struct sigaction* old) noexcept {
  struct sigaction changed;
  if (action != nullptr && is_handler(action->sa_handler)) {
    changed = *action;
    changed.sa_sigaction = entry_of(action->sa_sigaction);
    action = &changed;
  }
  const int result = call_next(signal, action, old);
  if (result == 0 && old != nullptr) old->sa_sigaction = handler_behind(old->sa_sigaction);
  return result;
}

// The signals whose handlers siginterrupt() lets interrupt calls, one bit each.
std::atomic<std::uint64_t> interrupting{0};

constexpr int kSignals = 64;
std::uint64_t bit(int signal) noexcept { return std::uint64_t{1} << (signal - 1); }

// signal() in one of its two historical meanings.
sighandler_t set_handler(int signal, sighandler_t handler, int flags, bool mask) noexcept {
  struct sigaction action {};
  struct sigaction old;
  if (handler == SIG_ERR || signal < 1 || signal > kSignals) {
    errno = EINVAL;
    return SIG_ERR;
  }
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  if (mask) sigaddset(&action.sa_mask, signal);
  return set_action(signal, &action, &old) < 0 ? SIG_ERR : old.sa_handler;
}

sighandler_t set_handler_bsd(int signal, sighandler_t handler) noexcept {
  const bool interrupts = signal >= 1 && signal <= kSignals &&
                          (interrupting.load(std::memory_order_relaxed) & bit(signal)) != 0;
  return set_handler(signal, handler, interrupts ? 0 : SA_RESTART, true);
}

sighandler_t set_handler_sysv(int signal, sighandler_t handler) noexcept {
  return set_handler(signal, handler, static_cast<int>(SA_RESETHAND | SA_NODEFER), false);
}

}  // namespace

void start_signals() noexcept { store_once(next, find_next()); }

}  // namespace kcov::host

int sigaction(int signal, const struct sigaction* action, struct sigaction* old) noexcept {
  return kcov::host::set_action(signal, action, old);
}

// The names that <signal.h> has had for it. signal() itself is __sysv_signal() in a program
// that asks for the strict standard.
sighandler_t signal(int number, sighandler_t handler) noexcept {
  return kcov::host::set_handler_bsd(number, handler);
}
sighandler_t ssignal(int number, sighandler_t handler) noexcept {
  return kcov::host::set_handler_bsd(number, handler);
}
extern "C" sighandler_t bsd_signal(int number, sighandler_t handler) noexcept;
sighandler_t bsd_signal(int number, sighandler_t handler) noexcept {
  return kcov::host::set_handler_bsd(number, handler);
}
sighandler_t __sysv_signal(int number, sighandler_t handler) noexcept {
  return kcov::host::set_handler_sysv(number, handler);
}
sighandler_t sysv_signal(int number, sighandler_t handler) noexcept {
  return kcov::host::set_handler_sysv(number, handler);
}

int siginterrupt(int number, int interrupts) noexcept {
  struct sigaction action;
  if (sigaction(number, nullptr, &action) != 0) return -1;
  if (interrupts != 0) {
    kcov::host::interrupting.fetch_or(kcov::host::bit(number), std::memory_order_relaxed);
    action.sa_flags &= ~SA_RESTART;
  } else {
    kcov::host::interrupting.fetch_and(~kcov::host::bit(number), std::memory_order_relaxed);
    action.sa_flags |= SA_RESTART;
  }
  return sigaction(number, &action, nullptr);
}

sighandler_t sigset(int number, sighandler_t handler) noexcept {
  sigset_t set;
  sigset_t before;
  struct sigaction action {};
  struct sigaction old;
  sigemptyset(&set);
  if (sigaddset(&set, number) != 0) return SIG_ERR;
  const bool hold = handler == SIG_HOLD;
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  if (sigaction(number, hold ? nullptr : &action, &old) != 0) return SIG_ERR;
  if (sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, &before) != 0) return SIG_ERR;
  return sigismember(&before, number) == 1 ? SIG_HOLD : old.sa_handler;
}
