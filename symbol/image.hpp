// SPDX-License-Identifier: GPL-2.0-only OR MIT
//
// From program counters to source: for each PC the ELF symbol that contains it, the
// function it was written in, file and line, and the callers it was inlined into.
//
// How it is quick. Asked one PC at a time, debug information is slow: each question finds
// the compile unit, decodes its line program and searches its tree again. Here:
//
//   1. PCs are sorted, and each is asked for once.
//   2. Each finds its ELF symbol and its compile unit (unit_map.hpp) by binary search; the
//      questions are then sorted by unit. Units that nobody asks about are never opened.
//   3. In each unit one walk over the tree of functions answers all its questions
//      (function_tree.hpp): a function that holds no PC is stepped over whole, and inside
//      one that does only the blocks around a PC are entered. On the way down each PC
//      collects the chain function, inlined call, inlined call in that, ...
//   4. The unit's line program is run once (line_program.hpp). It gives the innermost file
//      and line; every other line is that of the call, kept with the inlined function.
//
// What it costs: docs/benchmarks.md.
//
// A PC that kcov records is a return address: it points behind the call of the callback,
// often at the next line, and at the end of a function even at the next function. So
// locate() looks up the byte before it, which lies in the call, unless told that it is
// given instructions.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "support/result.hpp"

namespace kcov::symbol {

// What the numbers given to Image::locate() are.
enum class PcKind {
  return_address,  // what kcov records: the instruction looked up is the one before, at PC - 1
  instruction,     // the address of the instruction itself
};

// One function that the PC lies in.
struct Frame {
  std::string function;  // from the debug information; C++ names are demangled
  // As the compiler recorded it, relative to the directory it ran in where the file
  // lies below that ("fs/read_write.c"), absolute otherwise. Empty if not known.
  std::string file;
  int line = 0;          // in the innermost frame the PC's own, in the others that of the
                         // call; 0 if the compiler gave none
  bool inlined = false;  // into the next frame

  bool operator==(const Frame&) const = default;
};

// What is known of one PC. Whatever is not known is empty: there is no nearest guess.
struct Location {
  std::uint64_t pc = 0;  // as it was given
  // The ELF symbol, with suffixes of the compiler's such as .constprop.0, .isra.0 and
  // .cold, and how far into it the PC is, as it was given: vfs_read+0x26.
  std::string symbol;
  std::uint64_t symbol_offset = 0;
  // Innermost first; the last is the function that was really called.
  std::vector<Frame> frames;

  bool operator==(const Location&) const = default;
};

// A linked ELF image: a kernel, a program or a shared object. Addresses are those it was
// linked at; for what is loaded elsewhere (a PIE) the caller takes off the difference.
// Not for two threads at once: looking up fills libdw's caches.
class Image {
 public:
  // Errors: the file cannot be read, is not ELF, is cut short or damaged, or is an object
  // file whose addresses are not final (a kernel module).
  static Result<Image> open(const std::string& path);

  Image(Image&&) noexcept;
  Image& operator=(Image&&) noexcept;
  ~Image();

  const std::string& path() const;
  // Lower-case hexadecimal, as `readelf -n` prints it; empty if the image has none.
  const std::string& build_id() const;
  // Without it, locate() still names the ELF symbol.
  bool has_debug_info() const;

  // How many of `pcs` are none that kcov's callback returns to in this image, but for a few
  // (call_sites.hpp). Zeroes are not counted.
  std::size_t count_strangers(std::span<const std::uint64_t> pcs) const;

  // One Location for each PC, in the same order. Costs least when given all at once.
  // Never fails: an unknown PC gives a Location that is empty but for the PC.
  std::vector<Location> locate(std::span<const std::uint64_t> pcs,
                               PcKind kind = PcKind::return_address);

 private:
  struct State;
  explicit Image(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace kcov::symbol
