// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The definition of an interposed function that the program would have had without us:
// the C library's, or that of another library that is preloaded after this one.
#pragma once

#include <dlfcn.h>

#include "core/memory.hpp"

namespace kcov::host {

// One function's, found once. `Function` is its type; `name` must outlive this.
template <typename Function>
class Next {
 public:
  explicit constexpr Next(const char* name) noexcept : name_(name) {}
  // Before anything of the program's runs, where it can be helped: dlsym() is not for
  // signal handlers. Calls from other libraries' constructors come earlier.
  void find() noexcept {
    if (load_once(found_) == nullptr) store_once(found_, dlsym(RTLD_NEXT, name_));
  }
  template <typename... Arguments>
  auto operator()(Arguments... arguments) {
    find();
    return reinterpret_cast<Function*>(load_once(found_))(arguments...);
  }

 private:
  const char* name_;
  void* found_ = nullptr;
};

}  // namespace kcov::host
