// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The agent's end of a ring of records (lab/record_ring.hpp).
#pragma once

#include <cstdint>
#include <span>

#include "lab/record_ring.hpp"

namespace kcov::agent {

class Ring {
 public:
  Ring() = default;
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // Makes it, and marks its pages with a new number. False: there is no memory for it.
  bool make();
  bool is_made() const { return words_ != nullptr; }
  const std::array<std::uint64_t, 2>& number() const { return number_; }

  // Puts all of them there, or none: the tool has not found the ring, or there is no room.
  bool put(std::span<const std::uint64_t> pcs);

 private:
  lab::RingControl& control() { return *reinterpret_cast<lab::RingControl*>(words_); }

  std::uint64_t* words_ = nullptr;
  std::array<std::uint64_t, 2> number_{};
  std::uint64_t put_ = 0;  // ever
};

}  // namespace kcov::agent
