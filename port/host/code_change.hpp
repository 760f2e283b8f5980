// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Changes calls in the process's code, those of a page or a single one, by one step at a time
// (call_site.hpp):
//
//   read(), then for each step: edit() or edit_back(), and write();
//   synchronize_cpus() between one step's write() and the next's
//
// The code is read once for as many steps as are done one after the other, since nobody else may
// write to it meanwhile: whoever changes calls holds the lock (sites.hpp). All that lies between
// the first and the last byte that change is written at once, whole pages of a library; of a single
// call nothing but the bytes that change, where somebody might put other code beside it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "port/host/call_site.hpp"
#include "port/host/own_memory.hpp"
#include "port/host/site_table.hpp"

namespace kcov::host {

// Every CPU fetches the code anew before it goes on in this process. False: the system cannot,
// or must not any more.
bool synchronize_cpus() noexcept;

// One at a time.
class CodeChange {
 public:
  CodeChange(const OwnMemory& memory, Targets& targets) noexcept
      : memory_(memory), targets_(targets) {}

  // The calls [first, last), sorted and not empty, all of which end in the same page.
  void read(const SiteList& list, SiteEntry* first, SiteEntry* last) noexcept;
  // One of them, as it is after the last edit.
  CallSite site(SiteEntry entry) noexcept;

  // Gives each that has the form `from` the next one, or the one before; not in memory yet.
  // Whether there is something to write. Marks those that are sites as done.
  bool edit(CallForm from) noexcept;
  bool edit_back(CallForm from) noexcept;
  // Whether what was edited could be written.
  bool write() noexcept;

  // Whether any call of all that were edited was in a form beyond `skipped`.
  bool has_seen_numbers() const noexcept { return has_seen_numbers_; }
  // How many calls that the last edits went through have a debugger's breakpoint for their first
  // byte. They are sites, and are left as they are.
  std::size_t breakpoints() const noexcept { return breakpoints_; }
  void forget_breakpoints() noexcept { breakpoints_ = 0; }

 private:
  static constexpr std::size_t kSize = kCallBytes + 4096 + kNextBytes;

  static constexpr std::size_t kTail = 4;  // of a direct call, behind its first byte

  bool change(CallForm from, CallForm to) noexcept;
  bool is_under_breakpoint(SiteEntry entry) noexcept;
  // The call that ends at bytes_[end]. Whether it can take the form.
  bool edit_tail(const CallSite& now, std::size_t end, CallForm to) noexcept;

  // Not on the stack, which may be a signal handler's. Used under the lock.
  static unsigned char bytes_[kSize];
  const OwnMemory& memory_;
  Targets& targets_;
  const SiteList* list_ = nullptr;
  SiteEntry* first_ = nullptr;
  SiteEntry* last_ = nullptr;
  std::uintptr_t start_ = 0;  // the address of bytes_[0]
  std::size_t begin_ = 0;     // what was read
  std::size_t end_ = 0;
  std::size_t low_ = 0;  // what was edited
  std::size_t high_ = 0;
  bool has_seen_numbers_ = false;
  std::size_t breakpoints_ = 0;
};

}  // namespace kcov::host
