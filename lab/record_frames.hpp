// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Records on their way from the agent to the tool. A machine's line to its host is slow, and a
// trace is much: each PC is sent once, and from then on goes by its number; numbers are compressed.
#pragma once

#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lab/protocol.hpp"

namespace kcov::lab {

// In a frame, at most.
inline constexpr std::size_t kMostRecords = 1 << 14;

class RecordEncoder {
 public:
  // `numbers`: kMostRecords at most. The payload of a frame of type records, good until the next
  // call; empty: there is no memory for it.
  std::string_view encode(std::uint64_t task, std::span<const std::uint32_t> numbers) {
    narrow_.clear();
    for (const std::uint32_t number : numbers) {
      if (number > 0xffff) break;
      narrow_.push_back(static_cast<std::uint16_t>(number));
    }
    const bool is_narrow = narrow_.size() == numbers.size();
    const std::size_t width = is_narrow ? sizeof(std::uint16_t) : sizeof(std::uint32_t);
    const void* const from = is_narrow ? static_cast<const void*>(narrow_.data()) : numbers.data();
    payload_ = Encoder().integer(task).integer(width).integer(numbers.size()).take();
    const std::size_t head = payload_.size();
    payload_.resize(head + ZSTD_compressBound(numbers.size() * width));
    const std::size_t size =
        ZSTD_compressCCtx(context_.get(), &payload_[head], payload_.size() - head, from,
                          numbers.size() * width, kLevel);
    if (ZSTD_isError(size) != 0) return {};
    return std::string_view(payload_).substr(0, head + size);
  }

 private:
  struct FreeContext {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  // Its quick ones are below 0.
  static constexpr int kLevel = -3;

  std::unique_ptr<ZSTD_CCtx, FreeContext> context_{ZSTD_createCCtx()};
  std::vector<std::uint16_t> narrow_;
  std::string payload_;
};

// The task that a payload is of, and its numbers. False: it makes no sense, or has a number that is
// not below `known`.
inline bool decode_records(std::string_view payload, std::size_t known, std::uint64_t& task,
                           std::vector<std::uint32_t>& decoded) {
  Decoder head(payload);
  task = head.integer();
  const std::uint64_t width = head.integer();
  const std::uint64_t count = head.integer();
  if (!head.good() || (width != 2 && width != 4) || count > kMostRecords) return false;
  const std::string_view packed = head.rest();
  std::string bytes(count * width, '\0');
  if (ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size()) != bytes.size())
    return false;
  decoded.resize(count);
  if (width == sizeof(std::uint32_t)) {
    std::memcpy(decoded.data(), bytes.data(), bytes.size());
  } else {
    for (std::size_t i = 0; i < count; ++i) {
      std::uint16_t number = 0;
      std::memcpy(&number, &bytes[i * sizeof number], sizeof number);
      decoded[i] = number;
    }
  }
  return std::all_of(decoded.begin(), decoded.end(),
                     [&](std::uint32_t number) { return number < known; });
}

}  // namespace kcov::lab
