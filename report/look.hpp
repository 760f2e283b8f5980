// SPDX-License-Identifier: GPL-2.0-only OR MIT
// How a report for people looks on what it is written to.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kcov::report {

struct Look {
  // `columns`: that a line may take; 0: as many as it needs.
  Look(std::size_t columns = 0, bool with_colour = false) : width(columns), colour(with_colour) {}

  std::size_t width;
  bool colour;
};

// What a piece of text is, as a terminal's escape sequence for it.
enum class Tone {
  heading,  // what the following lines are about
  name,     // of a system call or other entry
  fresh,    // was not there before
  quiet,    // seldom what one looks for
  loss,     // something is missing
};

// `text`, which has no line's end in it, in that tone where the look has colours.
inline std::string toned(const Look& look, Tone tone, std::string_view text) {
  if (!look.colour || text.empty()) return std::string(text);
  std::string_view code;
  switch (tone) {
    case Tone::heading: code = "1;36"; break;
    case Tone::name: code = "1"; break;
    case Tone::fresh: code = "32"; break;
    case Tone::quiet: code = "2"; break;
    case Tone::loss: code = "1;33"; break;
  }
  return std::string("\033[").append(code).append("m").append(text).append("\033[m");
}

}  // namespace kcov::report
