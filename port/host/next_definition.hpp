// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What a function that the library defines in the program's stead goes on to: whoever else
// wants to see the program's calls of it (a sanitizer, another preloaded library) is not to
// be passed over.
#pragma once

#include <dlfcn.h>

// Absent from a static program, where there is no next definition either.
extern "C" [[gnu::weak]] decltype(dlsym) dlsym;

namespace kcov::host {

// Our own definition of a function, under a name that stays in this object: the function's
// name may mean another's. To be used in the file that defines it, with the attributes that it
// has.
#define KCOV_HOST_OWN(name, ...)                                                                  \
  extern "C"[                                                                                     \
      [ gnu::alias(#name), gnu::visibility("hidden") __VA_OPT__(, ) __VA_ARGS__ ]] decltype(name) \
      kcov_host_own_##name

// The next definition of `name` after `ours`, or `last` where there is none. `sanitizer` is
// that of a sanitizer's, by its other name, or null: one that is linked into the program
// beside us is no next definition to the dynamic linker.
template <typename Function>
Function* next_definition(const char* name, Function* ours, Function* sanitizer,
                          Function* last) noexcept {
  if (dlsym == nullptr) return sanitizer != nullptr ? sanitizer : last;
  // Not where it is the sanitizer's that comes first: that one calls us.
  const bool first = dlsym(RTLD_DEFAULT, name) == reinterpret_cast<void*>(ours);
  if (first && sanitizer != nullptr) return sanitizer;
  void* const found = dlsym(RTLD_NEXT, name);
  return found != nullptr ? reinterpret_cast<Function*>(found) : last;
}

}  // namespace kcov::host
