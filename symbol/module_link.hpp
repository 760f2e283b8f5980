// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Giving a kernel module its addresses, as the kernel does when it is loaded.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace kcov::symbol {

// What a module's code takes up: from the first byte to behind the last.
struct ModuleCode {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
};

// Makes the object file in `file` a linked image, in place. Its code comes to lie at `code.start`
// (a multiple of the page size), one section after the other, as the kernel lays it out;
// initialization code, which the kernel puts elsewhere and frees, and data come to lie where no
// kernel has code. kcov's callbacks, which are the kernel's, are given addresses. Sets `code.end`.
//
// For x86-64. Never writes outside `file`, whatever is in it. Returns why it cannot; empty: it is
// done.
std::string link_module(std::span<unsigned char> file, ModuleCode& code);

}  // namespace kcov::symbol
