// SPDX-License-Identifier: GPL-2.0-only OR MIT
//
// Locations of one image that have been looked up before, in a file. Debug information is the
// same for the same build-id, so what it says is, too.
//
// The file is for this machine alone: numbers as they lie in memory, and a version.
//
//   Header | PCs, ascending | a Place for each PC | Frames | text offsets | texts
//
// A Place's frames end where the next one's begin. Whatever of a file does not hold together
// makes the whole of it unknown, and it is written anew.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "symbol/location.hpp"

namespace kcov::symbol {

class LocationCache {
 public:
  // What the file holds; nothing if there is none, or it is damaged.
  static LocationCache load(const std::string& path);

  std::size_t size() const { return pcs_.size(); }

  // Sets those of `locations` (whose `pc` are set) that are known, and says of each whether it
  // is. Their names live as long as `locations`. `order`: indices of locations, by PC.
  void find(std::span<const std::size_t> order, Locations& locations,
            std::vector<bool>& known) const;

  // Writes what is known already and those of `more` that lie in a function to the file, whole
  // or not at all; nothing where all of them are known. `order`: indices of `more`, by PC. It is
  // a cache: what cannot be written is looked up again.
  void store(const std::string& path, std::span<const std::size_t> order,
             const Locations& more) const;

 private:
  struct Header;
  struct Place;
  struct StoredFrame;
  class Writer;

  // Of pcs_[at]; its frames are put into `frames`.
  Location location(std::size_t at, std::vector<Frame>& frames) const;
  std::string_view text(std::uint32_t number) const {
    return {texts_ + text_offsets_[number], text_offsets_[number + 1] - text_offsets_[number]};
  }

  std::shared_ptr<const void> bytes_;
  std::span<const std::uint64_t> pcs_;
  std::span<const Place> places_;  // one more than PCs
  std::span<const StoredFrame> frames_;
  std::span<const std::uint32_t> text_offsets_;  // one more than texts
  const char* texts_ = nullptr;
};

}  // namespace kcov::symbol
