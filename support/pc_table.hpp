// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The distinct PCs of traces, numbered in the order in which they first came. A trace of
// many millions of records has some ten thousand of them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace kcov {

class PcTable {
 public:
  std::uint32_t number_of(std::uint64_t pc) {
    const std::size_t at = find(pc);
    if (slots_[at] != kFree) return slots_[at];
    const auto number = static_cast<std::uint32_t>(pcs_.size());
    pcs_.push_back(pc);
    slots_[at] = number;
    if (pcs_.size() * 2 > slots_.size()) grow();
    return number;
  }
  // None: it has not come yet.
  std::optional<std::uint32_t> known_number_of(std::uint64_t pc) const {
    const std::uint32_t number = slots_[find(pc)];
    return number == kFree ? std::nullopt : std::optional(number);
  }
  const std::vector<std::uint64_t>& pcs() const { return pcs_; }

 private:
  static constexpr std::uint32_t kFree = ~std::uint32_t{0};

  std::size_t slot_of(std::uint64_t pc) const {
    return static_cast<std::size_t>((pc * 0x9e3779b97f4a7c15u) >> 32) & (slots_.size() - 1);
  }
  // Its slot, or the free one where it would be.
  std::size_t find(std::uint64_t pc) const {
    std::size_t at = slot_of(pc);
    while (slots_[at] != kFree && pcs_[slots_[at]] != pc) at = (at + 1) & (slots_.size() - 1);
    return at;
  }
  void grow() {
    slots_.assign(slots_.size() * 2, kFree);
    for (std::uint32_t number = 0; number < pcs_.size(); ++number) {
      std::size_t at = slot_of(pcs_[number]);
      while (slots_[at] != kFree) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = number;
    }
  }

  std::vector<std::uint64_t> pcs_;
  std::vector<std::uint32_t> slots_ = std::vector<std::uint32_t>(1 << 16, kFree);
};

}  // namespace kcov
