// SPDX-License-Identifier: GPL-2.0-only OR MIT
// BANNER: never instrumented; runs in any context (sites.hpp).
#include "port/host/code_change.hpp"

#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace kcov::host {

namespace {
constexpr std::size_t kPage = 4096;
}

unsigned char CodeChange::bytes_[kSize];

bool synchronize_cpus() noexcept {
  constexpr int kSynchronize = MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE;
  if (syscall(SYS_membarrier, kSynchronize, 0, 0) == 0) return true;
  if (errno != EPERM) return false;
  syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
  return syscall(SYS_membarrier, kSynchronize, 0, 0) == 0;
}

void CodeChange::read(const SiteList& list, SiteEntry* first, SiteEntry* last) noexcept {
  list_ = &list;
  first_ = first;
  last_ = last;
  start_ = list.address(*first) - kCallBytes;
  begin_ = 0;
  const std::size_t size = list.address(last[-1]) + kNextBytes - start_;
  end_ = memory_.read(start_, bytes_, size);
  if (end_ != 0) return;
  // A call may begin with its page, and have no sixth byte before it.
  const std::size_t gap = kPage - start_ % kPage;
  if (gap >= size) return;
  memset(bytes_, 0, gap);
  begin_ = gap - 1;
  end_ = gap + memory_.read(start_ + gap, bytes_ + gap, size - gap);
}

CallSite CodeChange::site(SiteEntry entry) noexcept {
  const std::uintptr_t address = list_->address(entry);
  const std::size_t end = address - start_;
  if (end > end_ || end < begin_ + kCallBytes) return {};
  return call_before(bytes_ + end - kCallBytes, address, targets_, *list_->numbers);
}

bool CodeChange::edit(CallForm from) noexcept {
  return change(from, static_cast<CallForm>(static_cast<unsigned char>(from) + 1));
}

bool CodeChange::edit_back(CallForm from) noexcept {
  return change(from, static_cast<CallForm>(static_cast<unsigned char>(from) - 1));
}

bool CodeChange::change(CallForm from, CallForm to) noexcept {
  const bool in_tail = from != CallForm::made && from != CallForm::prefixes &&
                       to != CallForm::made && to != CallForm::prefixes;
  low_ = kSize;
  high_ = 0;
  for (SiteEntry* each = first_; each != last_; ++each) {
    const CallSite now = site(*each);
    if (now.callback == 0) {
      if (!is_under_breakpoint(*each)) continue;
      *each |= SiteList::kDone;
      ++breakpoints_;
      continue;
    }
    *each |= SiteList::kDone;
    if (now.form >= CallForm::numbered) has_seen_numbers_ = true;
    if (now.form != from) continue;
    const std::size_t end = list_->address(*each) - start_;
    const std::size_t at = in_tail ? end - kTail : end - now.length;
    if (!in_tail) {
      bytes_[at] = first_byte(now.length, to);
    } else if (!edit_tail(now, end, to)) {
      continue;
    }
    low_ = std::min(low_, at);
    high_ = std::max(high_, in_tail ? end : at + 1);
  }
  return low_ < high_;
}

bool CodeChange::is_under_breakpoint(SiteEntry entry) noexcept {
  constexpr unsigned char kBreakpoint = 0xcc;
  const std::size_t end = list_->address(entry) - start_;
  if (end > end_ || end < begin_ + kCallBytes) return false;
  for (const unsigned length : {5u, 6u}) {
    unsigned char& head = bytes_[end - length];
    if (head != kBreakpoint) continue;
    head = first_byte(length, CallForm::skipped);
    const CallSite site = this->site(entry);
    head = kBreakpoint;
    if (site.callback != 0 && site.length == length) return true;
  }
  return false;
}

bool CodeChange::edit_tail(const CallSite& now, std::size_t end, CallForm to) noexcept {
  const std::uintptr_t address = start_ + end;
  if (to == CallForm::skipped) {
    const auto distance = static_cast<std::uint32_t>(now.target - address);
    memcpy(bytes_ + end - kTail, &distance, kTail);
    return true;
  }
  // Written all or not at all: in one page.
  if ((address - 1) / kPage != (address - kTail) / kPage) return false;
  if (!can_be_prefixes(bytes_ + end - kCallBytes, end_ - end, now.length)) return false;
  const int number = list_->numbers->number_of(address, now.target);
  if (number < 0) return false;
  kcov_write_target(bytes_ + end - kTail, static_cast<unsigned>(number));
  return true;
}

bool CodeChange::write() noexcept {
  return memory_.write(start_ + low_, bytes_ + low_, high_ - low_);
}

}  // namespace kcov::host
