// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Names of others' making, for a terminal: a file or a program may be called anything, and a
// recording may come from anybody.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kcov::report {

// `text` with a ? in the place of whatever a terminal would not show as a character with a place
// of its own: control characters, marks that change the direction of writing or sit on others,
// bytes that are no UTF-8.
std::string printable(std::string_view text);

// Columns that printable text takes: two for each of East Asia's wide characters.
std::size_t columns_of(std::string_view printable);

// Printable text that takes no more than so many columns: "..." stands in its middle for what is
// left out. 0: as many as it needs.
std::string shortened(std::string_view printable, std::size_t columns);

// The same for the name of a file, or a place in one, of which the end tells most.
std::string shortened_path(std::string_view printable, std::size_t columns);

// The same with "..." at its end.
std::string cut_off(std::string_view printable, std::size_t columns);

// `text` made printable, shortened, and filled up with spaces to just so many columns. 0: as
// many as it needs.
std::string cell(std::string_view text, std::size_t columns);

}  // namespace kcov::report
