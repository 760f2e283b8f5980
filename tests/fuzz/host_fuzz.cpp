// SPDX-License-Identifier: GPL-2.0-only OR MIT
// libFuzzer on the user-space port through <kcov/host.h>: any calls in any order, on any
// descriptor numbers, and anything stored into the maps. What they return is up to the
// contract's own tests; here nothing may crash, and nothing may be left when all is closed.
//
// The callbacks themselves belong to libFuzzer in this program, so that the port's own are
// called by their bodies.
//
// Input: four bytes an operation: what, which descriptor, two arguments.
#include <fcntl.h>
#include <kcov/host.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <new>

#include "core/trace.hpp"
#include "port/host/host_port.hpp"

namespace {

using kcov::host::HostPort;

constexpr std::size_t kBytes = 4;
constexpr int kSlots = 3;
constexpr unsigned long kPageWords = 512;

struct Slot {
  int fd = -1;
  std::uint64_t* map = nullptr;
  std::size_t bytes = 0;
};

class Program {
 public:
  Program() = default;
  // All is closed, and the thread gives back what it holds, as it would when it ends.
  ~Program() {
    kcov_host_remote_stop();
    for (Slot& slot : slots_) {
      if (slot.fd >= 0) kcov_host_ioctl(slot.fd, KCOV_DISABLE, 0);
      if (slot.fd >= 0) kcov_host_ioctl(slot.fd, KCOV_DISABLE, 0);
    }
    for (Slot& slot : slots_) close(slot);
    if (kcov::host::this_thread.task.mode != 0 || kcov::host::this_thread.task.remote != nullptr) {
      std::fputs("FAILED: the thread is bound although every descriptor was disabled\n", stderr);
      std::abort();
    }
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void step(std::uint8_t what, std::uint8_t which, std::uint8_t a, std::uint8_t b) {
    Slot& slot = slots_[which % kSlots];
    switch (what % 16) {
      case 0: open(slot, a); break;
      case 1:
      case 2:
        kcov_host_ioctl(slot.fd, KCOV_INIT_TRACE, a < 200 ? kPageWords * (1 + a % 2) : a - 200u);
        break;
      case 3: map(slot, a, b); break;
      case 4:
      case 5: kcov_host_ioctl(slot.fd, KCOV_ENABLE, a % 8 == 7 ? a : a % 2); break;
      case 6: kcov_host_ioctl(slot.fd, KCOV_DISABLE, a == 255); break;
      case 7: remote_enable(slot, a, b); break;
      case 8:
        if (kcov::host::this_thread.task.bound.descriptor != nullptr) break;  // would be warned of
        kcov_host_remote_start(KCOV_SUBSYSTEM_USB | (a % 2));
        break;
      case 9: kcov_host_remote_stop(); break;
      case 10: trace(a, b); break;
      case 11: scribble(slot, a, b); break;
      case 12: duplicate(slot); break;
      case 13: kcov_host_ioctl(slot.fd, static_cast<unsigned long>(a) << 8 | b, a); break;
      case 14: unmap(slot); break;
      default:
        // One that a thread is bound to by a closed descriptor stays bound: not here.
        if (!is_bound(slot)) close(slot);
    }
  }

 private:
  static void open(Slot& slot, std::uint8_t flags) {
    if (slot.fd >= 0) return;
    constexpr int kModes[] = {O_RDWR, O_RDWR, O_RDONLY, O_WRONLY};
    slot.fd = kcov_host_open(kModes[flags % 4] | O_CLOEXEC);
  }
  static void map(Slot& slot, std::uint8_t a, std::uint8_t b) {
    unmap(slot);
    slot.bytes = (1 + a % 3u) * kPageWords * 8;
    const off_t offset = b % 8 == 7 ? 4096 : 0;
    void* const at =
        kcov_host_mmap(nullptr, slot.bytes, b % 2 == 0 ? PROT_READ | PROT_WRITE : PROT_READ,
                       b % 4 == 3 ? MAP_PRIVATE : MAP_SHARED, slot.fd, offset);
    slot.map = at == MAP_FAILED || b % 2 != 0 ? nullptr : static_cast<std::uint64_t*>(at);
    if (at != MAP_FAILED && slot.map == nullptr) kcov_host_munmap(at, slot.bytes);
  }
  static void unmap(Slot& slot) {
    if (slot.map != nullptr) kcov_host_munmap(slot.map, slot.bytes);
    slot.map = nullptr;
  }
  static void remote_enable(const Slot& slot, std::uint8_t a, std::uint8_t b) {
    std::uint64_t words[5] = {};
    auto* const arg = new (words) kcov_remote_arg;
    arg->trace_mode = a % 3;
    arg->area_size = b;
    arg->num_handles = a / 4 % 3;
    arg->common_handle = a / 16 % 3;
    words[3] = KCOV_SUBSYSTEM_USB | (b % 3);
    words[4] = KCOV_SUBSYSTEM_USB | (b / 8 % 3);
    kcov_host_ioctl(slot.fd, KCOV_REMOTE_ENABLE,
                    a == 255 ? 1 : reinterpret_cast<unsigned long>(words));
  }
  static void trace(std::uint8_t a, std::uint8_t b) {
    for (unsigned times = 0; times <= a % 4u; ++times) {
      kcov::trace_pc<HostPort>(0x1000u + b);
      kcov::trace_cmp<HostPort>(a % 8, a, b, 0x2000u + b);
    }
  }
  static void scribble(const Slot& slot, std::uint8_t a, std::uint8_t b) {
    if (slot.map == nullptr) return;
    constexpr std::uint64_t kValues[] = {0, 1, 511, 512, 1023, 1ull << 59, 1ull << 61, ~0ull};
    __atomic_store_n(&slot.map[a % 2 == 0 ? 0 : a], kValues[b % 8], __ATOMIC_RELAXED);
  }
  static void duplicate(Slot& slot) {
    const int twin = dup(slot.fd);
    if (twin < 0) return;
    kcov_host_close(slot.fd);
    slot.fd = twin;
  }
  static bool is_bound(const Slot& slot) {
    if (slot.fd < 0) return false;
    kcov_host_remote_stop();
    const bool was = kcov_host_ioctl(slot.fd, KCOV_DISABLE, 0) == 0;
    return kcov_host_ioctl(slot.fd, KCOV_DISABLE, 0) == 0 || was;
  }
  static void close(Slot& slot) {
    unmap(slot);
    if (slot.fd >= 0) kcov_host_close(slot.fd);
    slot.fd = -1;
  }

  Slot slots_[kSlots];
};

// How many descriptors are open in the process.
int open_descriptors() {
  int found = 0;
  for (int fd = 0; fd < 64; ++fd) found += fcntl(fd, F_GETFD) >= 0;
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kcov::host::start();
  const int before = open_descriptors();
  {
    Program program;
    for (; size >= kBytes; data += kBytes, size -= kBytes)
      program.step(data[0], data[1], data[2], data[3]);
  }
  if (open_descriptors() != before) {
    std::fputs("FAILED: a file descriptor is left open\n", stderr);
    std::abort();
  }
  return 0;
}
