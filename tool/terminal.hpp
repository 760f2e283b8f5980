// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What standard output is, and writing there what people read: on a terminal, through a pager
// where it is longer than that. And messages.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "report/look.hpp"

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

// A message of the tool's, on standard error: whatever is named in it, no control character but the
// end of a line reaches a terminal.
void say_text(std::string_view message);
template <class... Values>
void say(fmt::format_string<Values...> format, Values&&... values) {
  say_text(fmt::format(format, std::forward<Values>(values)...));
}

}  // namespace kcov::tool
