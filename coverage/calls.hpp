// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What system calls were given and what they answered, where it was recorded beside the trace
// (trace --arguments).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/system_calls.hpp"

namespace kcov::coverage {

struct Call {
  // A text that an argument points to.
  struct Text {
    std::uint8_t argument = 0;  // from 0 on
    bool is_cut_off = false;    // it is longer
    std::string bytes;
  };
  std::uint64_t records = 0;  // that the task had made when it ended; or, without result, began
  std::uint64_t number = 0;   // as the kernel numbers them
  bool has_arguments = true;  // false: only its end was seen
  std::array<std::uint64_t, kSystemCallArguments> arguments{};
  std::optional<std::int64_t> result = {};  // none: it did not return, as exit does not
  std::vector<Text> texts = {};
};

struct Task;

// The call of each of the task's entries; null where none is known.
std::vector<const Call*> calls_of_entries(const Task& task);

}  // namespace kcov::coverage
