// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What KCOV_REMOTE_ENABLE is asked for, as it was read from the calling program, and the
// table entries of its handles (contract 20, 21).
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "../include/kcov/uapi.h"
#include "error.hpp"
#include "port.hpp"
#include "remote.hpp"

namespace kcov {

template <Port P>
struct RemoteRequest {
  void* memory = nullptr;  // of all of it; whoever holds the request gives it to P::release()
  const kcov_remote_arg* arg = nullptr;
  HandleEntry<P>* entries = nullptr;
  std::uint32_t entry_count = 0;

  // Copies the argument and makes room for the entries, before any lock is taken. Owns
  // memory when kOk is returned, and none otherwise. kFault: it cannot be read; kInvalid:
  // too many handles, or a number of them that changed meanwhile; kNoMemory. May sleep.
  [[nodiscard]] static int read(std::uintptr_t argument, RemoteRequest& request) noexcept {
    std::uint32_t count;
    if (!P::copy_from_caller(&count, argument + offsetof(kcov_remote_arg, num_handles),
                             sizeof count)) {
      return kFault;
    }
    if (count > KCOV_REMOTE_MAX_HANDLES) return kInvalid;
    const std::size_t arg_bytes = sizeof(kcov_remote_arg) + count * sizeof(std::uint64_t);
    void* const memory = P::allocate(arg_bytes + (count + 1) * sizeof(HandleEntry<P>));
    if (memory == nullptr) return kNoMemory;
    int error = kOk;
    if (!P::copy_from_caller(memory, argument, arg_bytes)) {
      error = kFault;
    } else if (static_cast<const kcov_remote_arg*>(memory)->num_handles != count) {
      error = kInvalid;  // changed under our feet
    }
    if (error != kOk) {
      P::release(memory);
      return error;
    }
    request.memory = memory;
    request.arg = static_cast<const kcov_remote_arg*>(memory);
    request.entries =
        reinterpret_cast<HandleEntry<P>*>(static_cast<unsigned char*>(memory) + arg_bytes);
    return kOk;
  }

  // Enters all handles for `descriptor`, or none of them: kInvalid for one that is
  // malformed or of the wrong kind for its place, kExists for one that is taken. To be
  // called with Remote's lock held, as is the next.
  [[nodiscard]] int add_handles(Remote<P>& remote, Descriptor<P>& descriptor) noexcept {
    int error = kOk;
    for (std::uint32_t i = 0; i < arg->num_handles && error == kOk; ++i)
      error = add_handle(remote, descriptor, arg->handles[i], HandleKind::subsystem);
    if (arg->common_handle != 0 && error == kOk)
      error = add_handle(remote, descriptor, arg->common_handle, HandleKind::common);
    if (error != kOk) remove_handles(remote);
    return error;
  }

  void remove_handles(Remote<P>& remote) noexcept {
    for (; entry_count > 0; --entry_count) remote.remove(entries[entry_count - 1]);
  }

 private:
  [[nodiscard]] int add_handle(Remote<P>& remote, Descriptor<P>& descriptor, std::uint64_t handle,
                               HandleKind kind) noexcept {
    if (kind_of(handle) != kind) return kInvalid;
    auto* const entry = new (&entries[entry_count]) HandleEntry<P>{handle, &descriptor, nullptr};
    if (const int error = remote.add(*entry); error != kOk) return error;
    ++entry_count;
    return kOk;
  }
};

}  // namespace kcov
