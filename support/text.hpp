// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Small things of text that several rooms need, the agent among them.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kcov {

// "1 task", "2 tasks".
inline std::string numbered(std::size_t number, std::string_view thing) {
  std::string text = std::to_string(number) + " ";
  text += thing;
  return number == 1 ? text : text + "s";
}

// With \xNN for whatever is not printable ASCII, and for the characters of `also`.
inline std::string escaped(std::string_view text, std::string_view also = {}) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && also.find(c) == std::string_view::npos) {
      result += c;
    } else {
      result += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return result;
}

// The number on the line "name:" of /proc/PID/status or /proc/meminfo; 0 if there is none.
inline std::uint64_t field(std::string_view text, std::string_view name, int base = 10) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() == text.size() ? line.size() : line.size() + 1);
    if (!line.starts_with(name) || !line.substr(name.size()).starts_with(':')) continue;
    const std::string_view rest = line.substr(name.size() + 1);
    const std::size_t begin = rest.find_first_not_of(" \t");
    std::uint64_t value = 0;
    if (begin != std::string_view::npos)
      std::from_chars(rest.data() + begin, rest.data() + rest.size(), value, base);
    return value;
  }
  return 0;
}

}  // namespace kcov
