// SPDX-License-Identifier: GPL-2.0-only OR MIT
//
// Lists of PCs as text ("rawcover"): one hexadecimal number with 0x in front per line.
// Blank lines and space around a number are allowed; anything else is an error that
// names the file, the line and what stands there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.hpp"

namespace kcov::symbol {

// Bytes of a line: no address is nearly as long.
inline constexpr std::size_t kLongestPcLine = 1 << 20;

// The PCs in the order of the file, duplicates included.
Result<std::vector<std::uint64_t>> read_pc_list(const std::string& path);

// The same for text that is already here; `name` stands for the file in errors.
Result<std::vector<std::uint64_t>> parse_pc_list(std::string_view text, std::string_view name);

}  // namespace kcov::symbol
