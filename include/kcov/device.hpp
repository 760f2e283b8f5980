// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A C++20 client of any kcov that is a file: /sys/kernel/debug/kcov of Linux, stock
// or ours. Header-only; needs nothing but the C library.
//
//   kcov::Device device;
//   kcov::Buffer buffer;
//   if (auto error = device.open()) …
//   if (auto error = device.initialize(1 << 16)) …
//   if (auto error = device.map(buffer)) …
//   {
//     kcov::Scope scope(device, buffer, kcov::Mode::pcs);   // reset, enable … disable
//     read(-1, nullptr, 0);
//   }
//   for (std::uint64_t pc : buffer.pcs()) …
//
// Errors are std::error_code with the errno of the failing system call; each function
// lists those that contract.md gives it. No function throws.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <system_error>
#include <utility>

#include "uapi.h"

namespace kcov {

inline constexpr const char* kDevicePath = "/sys/kernel/debug/kcov";

enum class Mode : unsigned long { pcs = KCOV_TRACE_PC, comparisons = KCOV_TRACE_CMP };

// A record of a comparison trace. `type`: KCOV_CMP_CONST when arg1 is a constant of the
// source, and log2 of the operands' bytes in KCOV_CMP_MASK (contract 27).
struct Comparison {
  std::uint64_t type;
  std::uint64_t arg1;
  std::uint64_t arg2;
  std::uint64_t pc;

  bool constant() const noexcept { return (type & KCOV_CMP_CONST) != 0; }
  // 1, 2, 4 or 8.
  unsigned operand_bytes() const noexcept { return 1u << ((type & KCOV_CMP_MASK) >> 1); }
};
static_assert(sizeof(Comparison) == KCOV_WORDS_PER_CMP * sizeof(std::uint64_t));

// A shared mapping of a descriptor's buffer. Outlives the Device it came from
// (contract 11). Other mappings of the buffer show the same memory (contract 9).
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer() {
    if (words_ != nullptr) ::munmap(words_, bytes());
  }

  // Forgets all records: one store.
  void reset() noexcept { set_count(0); }

  // The same if word 0 is `count` still, and whether it was. For a task that is not stopped, but
  // cannot run while we look: on a single CPU, under a kernel that is not preempted.
  bool reset_from(std::uint64_t count) noexcept {
    return __atomic_compare_exchange_n(&words_[0], &count, 0, false, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED);
  }

  // Keeps the first `count` records; those that follow are appended there.
  void set_count(std::uint64_t count) noexcept {
    __atomic_store_n(&words_[0], count, __ATOMIC_RELAXED);
  }

  // The number of words, word 0 included.
  std::size_t size() const noexcept { return size_; }

  // Word 0 as it stands. Whoever can map the buffer can store anything there.
  std::uint64_t count() const noexcept { return __atomic_load_n(&words_[0], __ATOMIC_ACQUIRE); }

  // The records of a PC trace, oldest first: never more than there is room for.
  std::span<const std::uint64_t> pcs() const noexcept {
    return {words_ + 1, static_cast<std::size_t>(std::min<std::uint64_t>(count(), size_ - 1))};
  }

  // The records of a comparison trace, likewise.
  std::span<const Comparison> comparisons() const noexcept {
    const std::uint64_t room = (size_ - 1) / KCOV_WORDS_PER_CMP;
    return {reinterpret_cast<const Comparison*>(words_ + 1),
            static_cast<std::size_t>(std::min<std::uint64_t>(count(), room))};
  }

  // No room for another PC: further records were, or will be, dropped.
  bool full() const noexcept { return count() >= size_ - 1; }

 private:
  friend class Device;
  Buffer(std::uint64_t* words, std::size_t size) noexcept : words_(words), size_(size) {}
  std::size_t bytes() const noexcept { return size_ * sizeof(std::uint64_t); }
  void swap(Buffer& other) noexcept {
    std::swap(words_, other.words_);
    std::swap(size_, other.size_);
  }

  std::uint64_t* words_ = nullptr;
  std::size_t size_ = 0;
};

// One open kcov file (contract 1).
class Device {
 public:
  Device() = default;
  Device(Device&& other) noexcept { swap(other); }
  Device& operator=(Device&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Device() {
    if (fd_ >= 0) ::close(fd_);
  }

  // ENOENT: no kcov in this kernel, or debugfs is not mounted. EACCES: not permitted.
  [[nodiscard]] std::error_code open(const char* path = kDevicePath) noexcept {
    Device opened;
    opened.fd_ = ::open(path, O_RDWR | O_CLOEXEC);
    if (opened.fd_ < 0) return last_error();
    swap(opened);
    return {};
  }

  // Gives it a zeroed buffer of `words` 8-byte words, 2 to KCOV_MAX_WORDS. To be
  // mapped, words × 8 must be a multiple of the page size (contract 8).
  // EINVAL: size out of range. EBUSY: it has a buffer. ENOMEM (contract 5-7).
  [[nodiscard]] std::error_code initialize(std::size_t words) noexcept {
    if (::ioctl(fd_, KCOV_INIT_TRACE, words) != 0) return last_error();
    words_ = words;
    return {};
  }

  // Maps the buffer. EINVAL: not initialised, or not whole pages (contract 8-11).
  [[nodiscard]] std::error_code map(Buffer& buffer) noexcept {
    void* const memory =
        ::mmap(nullptr, words_ * sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    if (memory == MAP_FAILED) return last_error();
    buffer = Buffer(static_cast<std::uint64_t*>(memory), words_);
    return {};
  }

  // Traces the calling thread from here on; the records append (contract 12-17).
  // EINVAL: not initialised, or enabled by some thread. EBUSY: this thread traces
  // through another descriptor. 524: no comparisons in this kernel.
  [[nodiscard]] std::error_code enable(Mode mode) noexcept {
    return ::ioctl(fd_, KCOV_ENABLE, static_cast<unsigned long>(mode)) == 0 ? std::error_code{}
                                                                            : last_error();
  }

  // Collects what is executed elsewhere on behalf of `handles` (kcov_remote_handle) and of
  // `common`, 0 for none; each section has room for `section_words` words. Errors in the
  // order of contract 20; a failure changes nothing (contract 21). Ended by disable().
  [[nodiscard]] std::error_code enable_remote(Mode mode, std::uint32_t section_words,
                                              std::span<const std::uint64_t> handles,
                                              std::uint64_t common = 0) noexcept {
    if (handles.size() > KCOV_REMOTE_MAX_HANDLES) return {EINVAL, std::generic_category()};
    std::uint64_t words[sizeof(kcov_remote_arg) / sizeof(std::uint64_t) + KCOV_REMOTE_MAX_HANDLES];
    auto* const arg = new (words) kcov_remote_arg;
    arg->trace_mode = static_cast<std::uint32_t>(mode);
    arg->area_size = section_words;
    arg->num_handles = static_cast<std::uint32_t>(handles.size());
    arg->common_handle = common;
    std::copy(handles.begin(), handles.end(),
              words + sizeof(kcov_remote_arg) / sizeof(std::uint64_t));
    return ::ioctl(fd_, KCOV_REMOTE_ENABLE, words) == 0 ? std::error_code{} : last_error();
  }

  // EINVAL: not enabled by the calling thread (contract 18).
  [[nodiscard]] std::error_code disable() noexcept {
    return ::ioctl(fd_, KCOV_DISABLE, 0) == 0 ? std::error_code{} : last_error();
  }

  // Records dropped since initialize() because the buffer was full (contract 24).
  // ENOTTY: a stock kernel, which cannot tell.
  [[nodiscard]] std::error_code dropped(std::uint64_t& count) const noexcept {
    return ::ioctl(fd_, KCOV_GET_DROPPED, &count) == 0 ? std::error_code{} : last_error();
  }

  int fd() const noexcept { return fd_; }

 private:
  static std::error_code last_error() noexcept { return {errno, std::generic_category()}; }
  void swap(Device& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(words_, other.words_);
  }

  int fd_ = -1;
  std::size_t words_ = 0;
};

// Traces the calling thread while it lives. The buffer then holds what ran in between,
// without the ends of the two ioctls: it is emptied after enabling, and what disabling
// itself appended is taken off again.
class [[nodiscard]] Scope {
 public:
  Scope(Device& device, Buffer& buffer, Mode mode) noexcept
      : device_(device), buffer_(buffer), error_(device.enable(mode)) {
    if (!error_) buffer.reset();
  }
  ~Scope() {
    if (error_) return;
    const std::uint64_t count = buffer_.count();
    (void)device_.disable();
    buffer_.set_count(count);
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // Why nothing is traced, or no error.
  std::error_code error() const noexcept { return error_; }

 private:
  Device& device_;
  Buffer& buffer_;
  std::error_code error_;
};

}  // namespace kcov
