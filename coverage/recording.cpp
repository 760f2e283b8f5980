// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "coverage/recording.hpp"

#include <numeric>

namespace kcov::coverage {

std::size_t Recording::record_count() const {
  return std::accumulate(
      tasks.begin(), tasks.end(), std::size_t{0},
      [](std::size_t sum, const Task& task) { return sum + task.records.size(); });
}

}  // namespace kcov::coverage
