// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A ring of records in a file, as the memory of a machine is one: its pages lie anywhere in it.
#include "lab/guest_ring.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "lab/record_ring.hpp"

namespace kcov::lab {
namespace {

constexpr std::array<std::uint64_t, 2> kNumber = {0x1234567890, 0x987654321};
constexpr std::size_t kFilePages = 4 * kRingPages;

class GuestRings : public ::testing::Test {
 protected:
  void SetUp() override {
    file_ = ::memfd_create("memory", 0);
    ASSERT_EQ(::ftruncate(file_, kFilePages * kRingPageBytes), 0);
    memory_ = static_cast<char*>(
        ::mmap(nullptr, kFilePages * kRingPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0));
    ASSERT_NE(memory_, MAP_FAILED);
    places_.resize(kFilePages);
    std::iota(places_.begin(), places_.end(), std::size_t{0});
    std::shuffle(places_.begin(), places_.end(), std::mt19937(1));
    for (std::size_t page = 0; page <= kRingPages; ++page) mark(places_[page], page);
  }
  void TearDown() override {
    ::munmap(memory_, kFilePages * kRingPageBytes);
    ::close(file_);
  }

  char* page(std::size_t place) { return memory_ + place * kRingPageBytes; }
  void mark(std::size_t place, std::uint64_t number_of_page) {
    const RingMark mark{kNumber, number_of_page};
    std::memcpy(page(place), &mark, sizeof mark);
  }
  RingControl& control() { return *reinterpret_cast<RingControl*>(page(places_[0])); }
  // As the agent puts them there.
  void put(std::uint64_t at, std::uint64_t pc) {
    const std::uint64_t word = at % kRingRecords;
    std::memcpy(page(places_[1 + word / kRingPageWords]) + word % kRingPageWords * sizeof pc, &pc,
                sizeof pc);
  }
  std::unique_ptr<GuestRing> find() { return GuestRing::find(::dup(file_), kNumber); }

  int file_ = -1;
  char* memory_ = nullptr;
  std::vector<std::size_t> places_;  // of the ring's pages, and then the others
};

TEST_F(GuestRings, are_found_wherever_their_pages_lie) {
  EXPECT_EQ(control().is_found, 0u);
  ASSERT_NE(find(), nullptr);
  EXPECT_EQ(control().is_found, 1u);
}

TEST_F(GuestRings, of_which_a_page_is_missing_are_none) {
  std::memset(page(places_[17]), 0, sizeof(RingMark));
  EXPECT_EQ(find(), nullptr);
  EXPECT_EQ(control().is_found, 0u) << "the agent goes on with the line";
}

TEST_F(GuestRings, of_which_a_page_is_there_twice_are_none) {
  mark(places_[kRingPages + 1], 17);
  EXPECT_EQ(find(), nullptr) << "it cannot be told which of them is the ring's";
}

TEST_F(GuestRings, of_other_numbers_are_none_of_ours) {
  EXPECT_EQ(GuestRing::find(::dup(file_), {kNumber[0], kNumber[1] + 1}), nullptr);
  EXPECT_EQ(GuestRing::find(-1, kNumber), nullptr);
  mark(places_[kRingPages + 1], kRingPages + 1);
  EXPECT_NE(find(), nullptr) << "what marks a page that a ring does not have is no page of it";
}

TEST_F(GuestRings, give_what_was_put_there_in_order_round_and_round) {
  const std::unique_ptr<GuestRing> ring = find();
  ASSERT_NE(ring, nullptr);
  std::uint64_t next = 0;
  std::vector<std::uint64_t> pcs;
  for (const std::uint64_t count : {std::uint64_t{1}, kRingRecords - 3, std::uint64_t{700},
                                    std::uint64_t{0}, kRingRecords, std::uint64_t{513}}) {
    for (std::uint64_t i = 0; i < count; ++i) put(next + i, 1000 + next + i);
    ASSERT_TRUE(ring->take(count, pcs));
    ASSERT_EQ(pcs.size(), count);
    for (std::uint64_t i = 0; i < count; ++i) ASSERT_EQ(pcs[i], 1000 + next + i);
    next += count;
    EXPECT_EQ(control().taken, next) << "so much room is free again";
  }
  EXPECT_FALSE(ring->take(kRingRecords + 1, pcs)) << "more than there can be";
}

}  // namespace
}  // namespace kcov::lab
