// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Reader of PC lists.
#include "symbol/pc_list.hpp"

#include <charconv>
#include <optional>

#include "support/files.hpp"
#include "support/text.hpp"

namespace kcov::symbol {
namespace {

constexpr std::size_t longest_quote = 40;  // of the offending line, in an error

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\v\f";
  const std::size_t first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

std::optional<std::uint64_t> parse_pc(std::string_view text) {
  if (!text.starts_with("0x") && !text.starts_with("0X")) return std::nullopt;
  text.remove_prefix(2);
  std::uint64_t pc = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pc, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return pc;
}

// Safe to print on a terminal.
std::string quoted(std::string_view text) {
  return "\"" + escaped(text.substr(0, longest_quote), "\"\\") +
         (text.size() > longest_quote ? "...\"" : "\"");
}

}  // namespace

Result<std::vector<std::uint64_t>> parse_pc_list(std::string_view text, std::string_view name) {
  std::vector<std::uint64_t> pcs;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t newline = text.find('\n');
    std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    std::optional<std::uint64_t> pc = parse_pc(line);
    if (!pc) {  // few have spaces
      line = trimmed(line);
      if (line.empty()) continue;
      pc = parse_pc(line);
    }
    if (!pc) {
      return Error{"cannot read PCs from \"" + std::string(name) + "\": line " +
                   std::to_string(number) + " is " + quoted(line) +
                   ", but should be one address such as 0xffffffff81000000"};
    }
    pcs.push_back(*pc);
  }
  return pcs;
}

Result<std::vector<std::uint64_t>> read_pc_list(const std::string& path) {
  const Result<std::string> text = read_file(path, kLongestPcLine);
  if (!text) return text.error();
  return parse_pc_list(*text, path);
}

}  // namespace kcov::symbol
