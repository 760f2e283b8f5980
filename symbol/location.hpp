// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What is known of PCs, and who keeps the names in it. An image has hundreds of thousands of
// PCs and some ten thousand names: each name is kept once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace kcov::symbol {

// One function that a PC lies in.
struct Frame {
  std::string_view function;  // from the debug information; C++ names are demangled
  // As the compiler recorded it, relative to the directory it ran in where the file
  // lies below that ("fs/read_write.c"), absolute otherwise. Empty if not known.
  std::string_view file;
  int line = 0;          // in the innermost frame the PC's own, in the others that of the
                         // call; 0 if the compiler gave none
  bool inlined = false;  // into the next frame
  // The file that the function is declared in, where that is known and another: the compiler
  // lost what was inlined there, or a macro of a header made the line. Of the same unit.
  std::string_view declared_in = {};

  std::string_view function_file() const { return declared_in.empty() ? file : declared_in; }
  bool operator==(const Frame&) const = default;
};

// What is known of one PC. Whatever is not known is empty: there is no nearest guess.
struct Location {
  std::uint64_t pc = 0;  // as it was given
  // The ELF symbol, with suffixes of the compiler's such as .constprop.0, .isra.0 and
  // .cold, and how far into it the PC is, as it was given: vfs_read+0x26.
  std::string_view symbol = {};
  std::uint64_t symbol_offset = 0;
  // Innermost first; the last is the function that was really called.
  std::span<const Frame> frames = {};
  // Whether kcov's callback can have returned there (call_sites.hpp).
  bool is_call_site = false;

  bool operator==(const Location& other) const {
    return pc == other.pc && symbol == other.symbol && symbol_offset == other.symbol_offset &&
           is_call_site == other.is_call_site &&
           std::equal(frames.begin(), frames.end(), other.frames.begin(), other.frames.end());
  }
};

// Keeps texts and frames where they are for as long as it lives.
class Names {
 public:
  // Equal texts are kept once. A control character, which no name has that was not made to do harm
  // to whoever prints it, becomes a ?.
  std::string_view keep(std::string_view text);
  // Their texts are the caller's to keep.
  std::span<const Frame> keep(std::span<const Frame> frames);

 private:
  std::unordered_set<std::string_view> texts_;
  std::vector<std::unique_ptr<char[]>> text_blocks_;
  std::size_t text_block_size_ = 0;  // bytes of the last block, and
  std::size_t text_left_ = 0;        // how many of them are free
  std::vector<std::vector<Frame>> frame_blocks_;
};

// Locations, and the names in them.
class Locations {
 public:
  Locations() = default;
  explicit Locations(std::size_t count) : locations_(count) {}

  std::size_t size() const { return locations_.size(); }
  bool empty() const { return locations_.empty(); }
  Location& operator[](std::size_t i) { return locations_[i]; }
  const Location& operator[](std::size_t i) const { return locations_[i]; }
  auto begin() { return locations_.begin(); }
  auto end() { return locations_.end(); }
  auto begin() const { return locations_.begin(); }
  auto end() const { return locations_.end(); }

  // One whose names are kept elsewhere, in a pool that was adopted or for ever.
  void push_back(const Location& location) { locations_.push_back(location); }
  // Keeps `names` (a Names, or what is like it) for as long as it lives itself.
  void adopt(std::shared_ptr<const void> names) { pools_.push_back(std::move(names)); }
  void adopt_all_of(const Locations& other) {
    pools_.insert(pools_.end(), other.pools_.begin(), other.pools_.end());
  }

 private:
  std::vector<Location> locations_;
  std::vector<std::shared_ptr<const void>> pools_;
};

}  // namespace kcov::symbol
