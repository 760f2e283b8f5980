// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "symbol/location.hpp"

#include <algorithm>
#include <cstring>

namespace kcov::symbol {
namespace {

constexpr std::size_t kTextBlock = 1 << 16;
constexpr std::size_t kFrameBlock = 1 << 12;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

std::string_view Names::keep(std::string_view text) {
  if (text.empty()) return {};
  if (const auto found = texts_.find(text); found != texts_.end()) return *found;
  if (std::any_of(text.begin(), text.end(), is_control)) {
    std::string shown(text);
    std::replace_if(shown.begin(), shown.end(), is_control, '?');
    return keep(shown);
  }
  if (text.size() > text_left_) {
    text_left_ = std::max(kTextBlock, text.size());
    text_blocks_.push_back(std::make_unique_for_overwrite<char[]>(text_left_));
    text_block_size_ = text_left_;
  }
  char* const kept = text_blocks_.back().get() + (text_block_size_ - text_left_);
  std::memcpy(kept, text.data(), text.size());
  text_left_ -= text.size();
  return *texts_.emplace(kept, text.size()).first;
}

std::span<const Frame> Names::keep(std::span<const Frame> frames) {
  if (frames.empty()) return {};
  if (frame_blocks_.empty() ||
      frame_blocks_.back().capacity() - frame_blocks_.back().size() < frames.size()) {
    frame_blocks_.emplace_back().reserve(std::max(kFrameBlock, frames.size()));
  }
  std::vector<Frame>& block = frame_blocks_.back();
  const std::size_t first = block.size();
  block.insert(block.end(), frames.begin(), frames.end());
  return {block.data() + first, frames.size()};
}

}  // namespace kcov::symbol
