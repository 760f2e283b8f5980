// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The tool's end of a ring of records (lab/record_ring.hpp), in a machine's memory that is a file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace kcov::lab {

class GuestRing {
 public:
  // Looks for the ring in `memory`, a descriptor of the file, which it closes. Null: it is not
  // there, whole and once.
  static std::unique_ptr<GuestRing> find(int memory, const std::array<std::uint64_t, 2>& number);
  ~GuestRing();
  GuestRing(const GuestRing&) = delete;
  GuestRing& operator=(const GuestRing&) = delete;

  // The next `count` records, oldest first, and the room is free again. False: there cannot be so
  // many.
  bool take(std::uint64_t count, std::vector<std::uint64_t>& pcs);

 private:
  GuestRing(char* memory, std::size_t size) : memory_(memory), size_(size) {}
  bool look(int file, const std::array<std::uint64_t, 2>& number);

  char* memory_;
  std::size_t size_;
  std::vector<char*> pages_;
  std::uint64_t taken_ = 0;
};

}  // namespace kcov::lab
