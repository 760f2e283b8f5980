// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What of an image, and what of one function in it, can have coverage: where its code is, into whom
// it was inlined, where it was written, and which of that calls kcov.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kcov::symbol {

// How much of an image is instrumented.
struct Instrumentation {
  bool is_known = false;         // only x86-64 is understood
  bool has_callback = false;     // __sanitizer_cov_trace_pc is in it
  std::size_t calls = 0;         // of that
  bool by_address = false;       // in the large code model `calls` are loads of its address, each
                                 // of which may serve several calls
  std::size_t comparisons = 0;   // calls of __sanitizer_cov_trace_cmp4 and its like
  std::size_t functions = 0;     // that have a size; parts that were laid out elsewhere (.cold) are
                                 // not counted
  std::size_t instrumented = 0;  // those that have a call
};

// Code of its own: of the function, of a variant of it that the compiler made (.constprop.0,
// .isra.0), or of its unlikely part (.cold). Several functions may have one name.
struct FunctionCopy {
  std::string symbol;
  std::uint64_t address = 0;
  std::uint64_t size = 0;
  std::string region;  // the part of the kernel's code: ".text", ".noinstr.text"
  std::string unit;    // the file that was compiled, as the compiler was told it; may be empty
  bool is_assembly = false;
  std::size_t calls = 0;  // of kcov's callback
  std::size_t comparisons = 0;
};

// All the places in one function where it was inlined.
struct FunctionInlining {
  std::string into;
  std::string unit;
  std::size_t times = 0;
  std::size_t calls = 0;         // of the callback in what was inlined
  std::size_t caller_calls = 0;  // and in all of the caller
};

struct FunctionDefinition {
  std::string file;
  int line = 0;
  std::string unit;  // one that it was compiled in
};

struct FunctionReport {
  bool has_debug_info = false;
  bool by_address = false;  // as in Instrumentation
  std::vector<FunctionCopy> copies;
  std::vector<FunctionInlining> inlinings;      // from the debug information
  std::vector<FunctionDefinition> definitions;  // likewise; each place once
  std::vector<std::string> similar;             // names like it, where it was not found at all
};

}  // namespace kcov::symbol
