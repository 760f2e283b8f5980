// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "coverage/tracer_stops.hpp"

#include <algorithm>

namespace kcov::coverage {
namespace {

// Records of one; where there are more, it was lost in the midst of it.
constexpr std::uint32_t kLongest = 1000;

bool is_part_of_stop(Stop part) {
  return part == Stop::way || part == Stop::ptrace_stop || part == Stop::awake;
}

}  // namespace

std::vector<Range> find_tracer_stops(std::span<const std::uint32_t> records, const Code& code) {
  const auto size = static_cast<std::uint32_t>(records.size());
  const auto part = [&](std::uint32_t i) { return code.stop_of(records[i]); };
  // A call that begins is not in the midst of a stop: what is between the two was lost.
  const auto begins_call = [&](std::uint32_t i) {
    const Root root = code.function(code.function_of(records[i])).root;
    return root == Root::call_marker || root == Root::system_call;
  };
  std::vector<Range> stops;
  // A trace may begin within one: the first task's does not, others' all do.
  bool asleep = true;
  for (std::uint32_t i = 0; i < size;) {
    const std::uint32_t next = first_flagged(records, code.stops(), i, size);
    if (next == size) break;
    asleep = asleep && next == i;
    i = next;
    std::uint32_t end = i;
    switch (part(i)) {
      case Stop::none:
      case Stop::awake: asleep = false; break;
      case Stop::follow: end = i + 1; break;
      case Stop::after_follow:
        if (!stops.empty() && stops.back().end == i) end = i + 1;
        break;
      case Stop::way:
      case Stop::ptrace_stop:
        if (!asleep) {
          // Its way to sleep, telling the tracer; then ptrace_stop goes on.
          std::uint32_t last = i;
          while (last < std::min(size, i + kLongest) && !begins_call(last)) ++last;
          while (end < last && part(end) != Stop::ptrace_stop) ++end;
          while (end < last && part(end) == Stop::ptrace_stop) ++end;
          while (end < last && part(end) != Stop::ptrace_stop) ++end;
          if (end == last) end = i + 1;
        }
        while (end < size && is_part_of_stop(part(end))) ++end;
        asleep = false;
    }
    if (end == i) {
      ++i;
      continue;
    }
    if (stops.empty() || stops.back().end != i) {
      stops.push_back({i, end});
    } else {
      stops.back().end = end;
    }
    i = end;
  }
  return stops;
}

}  // namespace kcov::coverage
