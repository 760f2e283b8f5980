// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What standard output is, and writing there what people read: on a terminal, through a pager
// where it is longer than that. And messages.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>

#include "report/look.hpp"
#include "report/printable.hpp"

namespace kcov::tool {

struct Terminal {
  bool is_one = false;      // else the rest is 0
  std::size_t columns = 0;  // 0: not known
  std::size_t rows = 0;
};
Terminal terminal_of(int fd);

// `when`: "always", "never", or else on a terminal where NO_COLOR is not set. `full`: lines are
// not to be cut.
report::Look look_for(const Terminal& terminal, const std::string& when, bool full);

// Writes it to standard output. If that is a terminal which has not so many rows: through
// $KCOVTOOL_PAGER, $PAGER or less. A pager that is not there or is left early is no error.
void write_out(std::string_view text);

// A message of the tool's, on standard error, printable line by line.
void say_text(std::string_view message);

// What is named in a message: no line of its own.
inline std::string shown(std::string_view text) { return report::printable(text); }
template <class Number>
requires std::is_arithmetic_v<Number> Number shown(Number number) { return number; }
template <class... Values>
void say(std::string_view format, const Values&... values) {
  say_text(fmt::format(fmt::runtime(format), shown(values)...));
}

}  // namespace kcov::tool
