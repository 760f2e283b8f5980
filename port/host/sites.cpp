// SPDX-License-Identifier: GPL-2.0-only OR MIT
// BANNER: a callback may bring any thread here, with any lock of the C library held, within a
// signal handler, on a small stack. Never instrumented; system calls alone, no memory of the
// C library's, no lock waited for on the way of a callback; errno as it was.
//
// When calls are made and unmade (sites.hpp).
#include "port/host/sites.hpp"

#include <errno.h>
#include <fcntl.h>
#include <kcov/host.h>
#include <link.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "port/host/call_site.hpp"
#include "port/host/code_change.hpp"
#include "port/host/errno_kept.hpp"
#include "port/host/host_port.hpp"
#include "port/host/keep_all.hpp"
#include "port/host/own_memory.hpp"
#include "port/host/site_table.hpp"
#include "port/host/uninterrupted.hpp"

namespace kcov::host {

constinit unsigned char call_watch = CallWatch::none;
constinit std::uintptr_t strangers[kStrangers][kWays]{};

namespace {

using Calls = Dormancy<HostPort>;

constexpr const char* kVariable = "KCOV_HOST_SLEEP_AFTER";
constexpr long kNever = -1;
constexpr long kDefault = 10000;
// The first time nobody can have traced yet. Programs that are done by then are spared what
// learning costs, some microseconds a place.
constexpr long kAtStart = 100;
constexpr std::uintptr_t kPage = 4096;

// The lock, and what its holder does with signals meanwhile.
constinit std::atomic<bool> locked{false};
Interruptions of_holder;
// This thread has it on account of a callback, in which lock_calls() has nothing to do.
constinit thread_local bool holds [[gnu::tls_model("initial-exec")]] = false;

// Set by whoever says when to sleep, read by anybody.
constinit std::atomic<long> after{kNever};        // milliseconds
constinit std::atomic<std::int64_t> due{0};       // milliseconds, as coarse_now()
constinit std::atomic<const char*> why{nullptr};  // calls are always made; a sentence

// Under the lock, but for what kcov_host_sites() reads.
constinit SiteTable table;
constinit bool dormant = false;
constinit bool has_written = false;
constinit bool forked = false;
constinit std::uint64_t changes = 0;
constinit std::uint64_t changed_at = 0;
constinit std::uint64_t change_took = 0;
constinit std::uint64_t left_alone = 0;

constinit unsigned next_way = 0;  // and whether there have been any strangers

void add_stranger(std::uintptr_t address) noexcept {
  store_once(strangers_like(address)[next_way++ % kWays], address);
}

void forget_strangers() noexcept {
  if (next_way == 0) return;
  for (auto& ways : strangers)
    for (std::uintptr_t& each : ways) store_once(each, std::uintptr_t{0});
  next_way = 0;
}

std::int64_t coarse_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

std::uint64_t now_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// The kernel's own set: the C library's would leave out its signal for cancellation. And as
// in uninterrupted.hpp, without those that a thread brings upon itself.
constexpr std::uint64_t bit(int signal) { return std::uint64_t{1} << (signal - 1); }
constexpr std::uint64_t kBlocked =
    ~(bit(SIGSEGV) | bit(SIGBUS) | bit(SIGILL) | bit(SIGFPE) | bit(SIGTRAP) | bit(SIGSYS));

// The lock from within a callback, if it is free.
class TriedLock {
 public:
  TriedLock() noexcept {
    if (locked.load(std::memory_order_relaxed)) return;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &kBlocked, &before_, sizeof before_);
    holds_ = !locked.exchange(true, std::memory_order_acquire);
    if (holds_) {
      holds = true;
    } else {
      unblock();
    }
  }
  ~TriedLock() {
    if (!holds_) return;
    holds = false;
    locked.store(false, std::memory_order_release);
    unblock();
  }
  explicit operator bool() const noexcept { return holds_; }
  TriedLock(const TriedLock&) = delete;
  TriedLock& operator=(const TriedLock&) = delete;

 private:
  void unblock() const noexcept {
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, sizeof before_);
  }

  std::uint64_t before_ = 0;
  bool holds_ = false;
};

// --- learning -------------------------------------------------------------------------

// Of those that are skipped, prefixes of what can be. Whatever fails, they are not made.
void make_prefixes(CodeChange& change) noexcept {
  for (const CallForm form : {CallForm::skipped, CallForm::numbered})
    if (change.edit(form) && (!synchronize_cpus() || !change.write())) return;
}

// Calls of the page that `return_address` returns to which are known already. Whether that
// one is among them and is not made any more.
bool unmake_page(CodeChange& change, std::uintptr_t return_address) noexcept {
  SiteList* const list = table.list_of(return_address);
  if (list == nullptr) return false;
  const std::uintptr_t page = (return_address - 1) & ~(kPage - 1);
  SiteEntry* const first = list->from(page + 1);
  SiteEntry* const last = list->from(page + kPage + 1);
  if (first == last) return false;
  change.read(*list, first, last);
  const bool all = !change.edit(CallForm::made) || change.write();
  if (all) make_prefixes(change);
  bool unmade = false;
  for (SiteEntry* each = first; each != last; ++each) {
    if (*each == (list->entry(return_address) | SiteList::kDone)) unmade = all;
    *each &= ~SiteList::kDone;
  }
  return unmade;
}

// Whether the call is not made any more, or will not be.
bool learn(std::uintptr_t return_address, std::uintptr_t callback) noexcept {
  if (OwnMemory::keep() != 0) return false;
  const OwnMemory memory;
  Targets targets(memory);
  CodeChange change(memory, targets);
  if (unmake_page(change, return_address)) return true;
  SiteList* const list = table.room_for(return_address);
  // The first address of all would be entry 0 of its list, and its call in the list before.
  if (list == nullptr || return_address - list->base < kCallBytes) return false;
  SiteEntry entry = list->entry(return_address);
  change.read(*list, &entry, &entry + 1);
  const CallSite site = change.site(entry);
  if (site.callback != callback) return false;
  if (site.form != CallForm::made) return true;  // by another thread, since this one called
  change.edit(CallForm::made);
  if (!change.write()) {
    if (has_written) return false;
    why.store("code cannot be written to through /proc/self/mem", std::memory_order_relaxed);
    store_once(call_watch, CallWatch::none);
    return true;
  }
  has_written = true;
  list->entries[list->count] = list->entry(return_address);
  store_once(list->count, list->count + 1);
  make_prefixes(change);
  return true;
}

// --- waking ---------------------------------------------------------------------------

bool has_one_thread() noexcept {
  struct stat status;
  // Two links and one for each.
  return syscall(SYS_newfstatat, AT_FDCWD, "/proc/self/task", &status, 0) == 0 &&
         status.st_nlink == 3;
}

// One step back of all that are known.
struct StepBack {
  CodeChange& change;
  CallForm from;
  bool written = true;  // all of them

  void between(std::uintptr_t begin, std::uintptr_t end) noexcept {
    for (const SiteList& list : table)
      if (concerns(list)) many(list, list.from(begin), list.from(end));
  }
  // What no object of the dynamic linker's has is done one by one: nothing keeps it where it
  // is, and somebody might put other code beside it.
  void rest() noexcept {
    for (SiteList& list : table) {
      if (!concerns(list)) continue;
      for (SiteEntry* each = list.entries; each != list.sorted_end(); ++each)
        if ((*each & SiteList::kDone) == 0) one_page(list, each, each + 1);
    }
  }

 private:
  bool concerns(const SiteList& list) const noexcept {
    return list.entries != nullptr && (from == CallForm::skipped || !list.numbers->empty());
  }
  void many(const SiteList& list, SiteEntry* first, SiteEntry* last) noexcept {
    while (first != last) {
      const std::uintptr_t page = (list.address(*first) - 1) / kPage;
      SiteEntry* next = first + 1;
      while (next != last && (list.address(*next) - 1) / kPage == page) ++next;
      one_page(list, first, next);
      first = next;
    }
  }
  void one_page(const SiteList& list, SiteEntry* first, SiteEntry* last) noexcept {
    change.read(list, first, last);
    if (change.edit_back(from) && !change.write()) written = false;
  }
};

int step_in_object(dl_phdr_info* info, std::size_t, void* argument) {
  for (int index = 0; index < info->dlpi_phnum; ++index) {
    const auto& segment = info->dlpi_phdr[index];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    const std::uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
    static_cast<StepBack*>(argument)->between(begin + 1, begin + segment.p_memsz + 1);
  }
  return 0;
}

// Whether all could be written to that are in that form. The last step forgets what is no site,
// unless what was read was somebody else's file.
bool step_back(const OwnMemory& memory, CodeChange& change, CallForm from) noexcept {
  StepBack step{change, from};
  change.forget_breakpoints();
  // The dynamic linker's lock may have been inherited from a thread that does not exist here.
  if (!forked) {
    dl_iterate_phdr(step_in_object, &step);
  } else if (has_one_thread()) {
    step.between(0, UINTPTR_MAX);
  }
  step.rest();
  const bool intact = memory.is_intact();
  for (SiteList& list : table) {
    if (from == CallForm::skipped && intact) {
      list.keep_done();
    } else {
      list.clear_marks();
    }
  }
  return step.written && intact;
}

// Whether all that are sites are made.
bool make_all() noexcept {
  const OwnMemory memory;
  if (memory.error() != 0) return false;
  for (SiteList& list : table) list.sort();
  Targets targets(memory);
  CodeChange change(memory, targets);
  if (!step_back(memory, change, CallForm::prefixes)) return false;
  // Those may have been written where this could be had, and a filter have forbidden it since.
  const auto synchronize = [] { return synchronize_cpus() || has_one_thread(); };
  if (change.has_seen_numbers() &&
      (!synchronize() || !step_back(memory, change, CallForm::numbered) || !synchronize()))
    return false;
  const bool made = step_back(memory, change, CallForm::skipped);
  synchronize_cpus();
  if (!made) return false;
  store_once(left_alone, std::uint64_t{change.breakpoints()});
  // What has a breakpoint may be known by its number.
  if (change.breakpoints() != 0) return true;
  for (const SiteList& list : table)
    if (list.numbers != nullptr) list.numbers->forget();
  return true;
}

// False: not all of them could be, and it stays dormant.
bool wake() noexcept {
  store_once(call_watch, CallWatch::none);
  if (table.sites() != 0 && !make_all()) {
    HostPort::warn("kcov: calls that are dormant cannot be made again: nothing is traced");
    store_once(call_watch, CallWatch::learning);
    return false;
  }
  store_once(dormant, false);
  OwnMemory::drop();
  return true;
}

// Whether calls are dormant.
bool fall_asleep() noexcept {
  if (after.load(std::memory_order_relaxed) == kNever) {
    store_once(call_watch, CallWatch::none);
    return false;
  }
  const int error = OwnMemory::keep();
  if (error != 0) {
    why.store(error == EMFILE || error == ENFILE ? "no file descriptor is left for /proc/self/mem"
                                                 : "/proc/self/mem cannot be opened",
              std::memory_order_relaxed);
    store_once(call_watch, CallWatch::none);
    return false;
  }
  why.store(nullptr, std::memory_order_relaxed);
  forget_strangers();
  store_once(dormant, true);
  store_once(call_watch, CallWatch::learning);
  return true;
}

// --- when ------------------------------------------------------------------------------

void try_to_learn(std::uintptr_t return_address, std::uintptr_t callback) noexcept {
  const ErrnoKept kept;
  const TriedLock lock;
  if (!lock || load_once(call_watch) != CallWatch::learning) return;
  if (!learn(return_address, callback)) add_stranger(return_address);
}

void look_at_clock() noexcept {
  const ErrnoKept kept;
  if (coarse_now() < due.load(std::memory_order_relaxed)) return;
  if (Calls::tracers() != 0) {
    // Nobody needs to look until the last of them ends, which sets the watch. If it has
    // since, that is undone here, and done again.
    // Only from what it is taken to be: it may have fallen asleep meanwhile.
    unsigned char seen = CallWatch::waiting;
    if (__atomic_compare_exchange_n(&call_watch, &seen, CallWatch::none, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST) &&
        Calls::tracers() == 0) {
      seen = CallWatch::none;
      __atomic_compare_exchange_n(&call_watch, &seen, CallWatch::waiting, false, __ATOMIC_SEQ_CST,
                                  __ATOMIC_SEQ_CST);
    }
    return;
  }
  const TriedLock lock;
  if (lock && load_once(call_watch) == CallWatch::waiting) Calls::sleep();
}

long parse(const char* text) noexcept {
  if (strcmp(text, "never") == 0) return kNever;
  char* end = nullptr;
  errno = 0;
  const long value = strtol(text, &end, 10);
  if (end != text && *end == '\0' && value >= 0 && errno == 0) return value;
  HostPort::warn("kcov: KCOV_HOST_SLEEP_AFTER is neither milliseconds nor \"never\"");
  return kDefault;
}

void set_after(long milliseconds) noexcept {
  why.store(milliseconds == kNever ? "it was asked never to sleep" : nullptr,
            std::memory_order_relaxed);
  after.store(milliseconds, std::memory_order_relaxed);
}

constexpr bool knows_calls() noexcept {
#if defined(__x86_64__) && defined(__LP64__)
  return true;
#else
  return false;
#endif
}

}  // namespace

extern "C" void kcov_host_look(std::uintptr_t return_address, std::uintptr_t callback) noexcept {
  if (load_once(call_watch) == CallWatch::waiting) {
    look_at_clock();
  } else {
    try_to_learn(return_address, callback);
  }
}

void lock_calls() noexcept {
  if (holds) return;
  Interruptions mine;
  mine.begin();
  for (unsigned tries = 0; locked.exchange(true, std::memory_order_acquire); ++tries) {
    // A holder of lower priority must come to run at some time.
    constexpr timespec kMoment{0, 50000};
    if (tries < 64) {
      sched_yield();
    } else {
      syscall(SYS_nanosleep, &kMoment, nullptr);
    }
  }
  of_holder = mine;
}

void unlock_calls() noexcept {
  if (holds) return;
  const Interruptions mine = of_holder;
  locked.store(false, std::memory_order_release);
  mine.end();
}

bool patch_calls(bool made) noexcept {
  if (made != dormant) return true;
  const ErrnoKept kept;
  const std::uint64_t begin = now_ns();
  if (made ? !wake() : !fall_asleep()) return false;
  const std::uint64_t end = now_ns();
  store_once(changes, changes + 1);
  store_once(changed_at, end);
  store_once(change_took, end - begin);
  return true;
}

namespace {

void sleep_in(long wait) noexcept {
  if (wait == kNever) return;
  if (wait == 0) return Calls::sleep();
  due.store(coarse_now() + wait, std::memory_order_relaxed);
  __atomic_store_n(&call_watch, CallWatch::waiting, __ATOMIC_SEQ_CST);
}

}  // namespace

void sleep_later() noexcept { sleep_in(after.load(std::memory_order_relaxed)); }

void start_sites() noexcept {
  start_keep_all();
  if (!knows_calls()) return why.store("this machine's calls are not known");
  const char* const text = getenv(kVariable);
  set_after(text == nullptr ? kDefault : parse(text));
  if (after == kNever) return;
  // Now it is cheap: it waits for other threads.
  synchronize_cpus();
  sleep_in(std::min(after.load(std::memory_order_relaxed), kAtStart));
}

void sites_before_fork() noexcept { lock_calls(); }
void sites_after_fork_in_parent() noexcept { unlock_calls(); }

void sites_after_fork_in_child() noexcept {
  forked = true;
  Calls::forget_tracers();
  OwnMemory::drop_parents();
  // Without it, it is opened when it is needed.
  if (dormant && OwnMemory::keep() != 0) errno = 0;
  const bool awake = !dormant;
  unlock_calls();
  if (awake) sleep_later();
}

}  // namespace kcov::host

int kcov_host_get_sites(kcov_host_sites* sites) {
  using namespace kcov::host;
  start();
  *sites = {};
  sites->why = why.load(std::memory_order_relaxed);
  sites->state = kcov::load_once(dormant) ? KCOV_HOST_DORMANT : KCOV_HOST_AWAKE;
  if (sites->why != nullptr) sites->state = KCOV_HOST_ALWAYS_AWAKE;
  sites->tracers = Calls::tracers();
  sites->sites = table.sites();
  sites->table_bytes = table.bytes();
  sites->changes = kcov::load_once(changes);
  sites->changed_at = kcov::load_once(changed_at);
  sites->change_took = kcov::load_once(change_took);
  sites->left_alone = kcov::load_once(left_alone);
  return 0;
}

int kcov_host_sleep_after(long milliseconds) {
  using namespace kcov::host;
  start();
  if (milliseconds < -1) return errno = EINVAL, -1;
  if (!knows_calls()) return errno = EOPNOTSUPP, -1;
  // As a task that traces for a moment: on its end what was asked for begins.
  const Uninterrupted uninterrupted;
  set_after(milliseconds);
  (void)Calls::begin();
  Calls::end();
  return 0;
}
