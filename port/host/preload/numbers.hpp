// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Which numbers may be file descriptors of ours: what spares every read() of the program's
// other files a question to the system.
//
// One bit for each number. It is set with a descriptor's birth (open, dup and its kin, a
// message that brings it) or when an ioctl or a map finds out; a bit that is set in vain
// costs one look at the file. Only a close() that we see clears it, before the number is
// free for others.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/memory.hpp"

namespace kcov::host {

class Numbers {
 public:
  bool may_have(int fd) const noexcept {
    if (fd < 0 || !load_once(any_)) return false;
    const auto number = static_cast<std::size_t>(fd);
    return number >= kNumbers || (load_once(bits_[number / 64]) >> number % 64 & 1) != 0;
  }
  // Whether there has been any descriptor at all.
  bool any() const noexcept { return load_once(any_); }
  void add(int fd) noexcept {
    store_once(any_, true);
    const auto number = static_cast<std::size_t>(fd);
    if (number < kNumbers) __atomic_fetch_or(&bits_[number / 64], bit(number), __ATOMIC_RELAXED);
  }
  void remove(int fd) noexcept {
    const auto number = static_cast<std::size_t>(fd);
    if (number < kNumbers) __atomic_fetch_and(&bits_[number / 64], ~bit(number), __ATOMIC_RELAXED);
  }

 private:
  static constexpr std::size_t kNumbers = 65536;  // those above are looked at each time
  static std::uint64_t bit(std::size_t number) noexcept { return std::uint64_t{1} << number % 64; }

  bool any_ = false;
  std::uint64_t bits_[kNumbers / 64] = {};
};

}  // namespace kcov::host
