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
//   5. Units are shared out to a thread for each CPU. libdw's caches are for one thread, so
//      each opens the debug information for itself, over the same bytes in memory.
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
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.hpp"
#include "symbol/instrumentation.hpp"
#include "symbol/location.hpp"

namespace kcov::symbol {

struct ModuleCode;

// What the numbers given to Image::locate() are.
enum class PcKind {
  return_address,  // what kcov records: the instruction looked up is the one before, at PC - 1
  instruction,     // the address of the instruction itself
};

// A linked ELF image: a kernel, a program or a shared object. Addresses are those it was
// linked at; for what is loaded elsewhere (a PIE) the caller takes off the difference.
// Not for two threads at once: looking up fills caches.
class Image {
 public:
  // Errors: the file cannot be read, is not ELF, is cut short or damaged, or is an object
  // file whose addresses are not final (a kernel module).
  static Result<Image> open(const std::string& path);
  // From now on what is asked of PCs is also of the kernel module in `path`, an object file for
  // x86-64 whose code was loaded from `start` on (/proc/modules; on a kernel with KASLR less what
  // the kernel was moved by, as kcov records PCs). `build_id`: that of what was loaded, if it is
  // known. Errors: as above, its build-id is another, and another module lies there.
  Status add_module(const std::string& path, std::uint64_t start, const std::string& build_id = {});

  Image(Image&&) noexcept;
  Image& operator=(Image&&) noexcept;
  ~Image();

  const std::string& path() const;
  // Lower-case hexadecimal, as `readelf -n` prints it; empty if the image has none.
  const std::string& build_id() const;
  // Where its code is loaded: from the first byte to behind the last; both 0 if there is none.
  struct Extent {
    std::uint64_t start = 0;
    std::uint64_t end = 0;

    // Of a PC as kcov records it, behind a call, which may be the last of all.
    bool contains(std::uint64_t pc) const { return pc > start && pc <= end; }
  };
  Extent extent() const;  // without modules
  // Where the symbol of that name lies, as the image was linked; none: there is none.
  std::optional<std::uint64_t> find_symbol(std::string_view name) const;
  // In the image, or in a file of its own (separate_debug.hpp). Without it, locate() still names
  // the ELF symbol.
  bool has_debug_info() const;
  // The files, of its own and of modules, that have none.
  std::vector<std::string> without_debug_info() const;

  // Takes answers about return addresses from a file in `directory`, by build-id, where
  // store_answers() keeps them. For images with a build-id and debug information; without effect
  // for others, and where the directory cannot be written.
  void keep_answers_in(const std::string& directory);
  // `locations`: as locate() gave them for return addresses; those in modules are left out. Takes a
  // while for many, in which nothing else may be asked of the image.
  void store_answers(const Locations& locations);

  // All PCs that kcov can record, as it records them, ascending: percentages are of these. Empty
  // where it cannot be told (callback_calls.hpp).
  std::vector<std::uint64_t> coverable_pcs();

  // Whether `pc` lies behind a call of anything: what is recorded and does not was never kcov's.
  bool is_behind_call(std::uint64_t pc);

  // The source files of its code, each once, named as in Frame::file; headers are among them.
  std::vector<std::string> source_files();

  // One Location for each PC, in the same order. Costs least when given all at once.
  // Never fails: an unknown PC gives a Location that is empty but for the PC.
  Locations locate(std::span<const std::uint64_t> pcs, PcKind kind = PcKind::return_address);

  // How much of it calls kcov, and what became of the function of that name in it. Each reads all
  // of the image's code; the second also all of its debug information.
  Instrumentation instrumentation();
  FunctionReport find_function(std::string_view name);

 private:
  struct State;
  explicit Image(std::unique_ptr<State> state);
  static Result<Image> open(const std::string& path, std::optional<ModuleCode> module);
  // Itself, or that of its modules which the PC is in.
  Image& of(std::uint64_t pc);
  Locations locate_own(std::span<const std::uint64_t> pcs, PcKind kind);

  std::unique_ptr<State> state_;
};

}  // namespace kcov::symbol
