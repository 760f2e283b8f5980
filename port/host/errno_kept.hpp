// SPDX-License-Identifier: GPL-2.0-only OR MIT
// errno is afterwards what it was before: for what is called behind a program's back.
#pragma once

#include <cerrno>

namespace kcov::host {

class ErrnoKept {
 public:
  ErrnoKept() noexcept : error_(errno) {}
  ~ErrnoKept() { errno = error_; }
  ErrnoKept(const ErrnoKept&) = delete;
  ErrnoKept& operator=(const ErrnoKept&) = delete;

 private:
  int error_;
};

}  // namespace kcov::host
