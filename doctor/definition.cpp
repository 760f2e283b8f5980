// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "doctor/definition.hpp"

#include <sstream>
#include <vector>

namespace kcov::doctor {
namespace {

// The kernel's own words: those that put the code where instrumentation is forbidden, and those
// that forbid it to the compiler.
constexpr std::string_view kWords[] = {
    "noinstr",
    "__noinstr_section",
    "__cpuidle",
    "__entry_text",
    "__naked",
    "__no_sanitize_coverage",
    "no_sanitize_coverage",
};
// Macros that define a noinstr function: an interrupt's or exception's entry.
constexpr std::string_view kMacros[] = {"DEFINE_IDTENTRY", "DEFINE_FREDENTRY"};
// Lines of a definition before the one that is named, and of its parameters behind it.
constexpr int kAround = 8;

bool is_word_character(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string word_in(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && is_word_character(text[end])) ++end;
    const std::string_view word = text.substr(at, end - at);
    for (const std::string_view known : kWords)
      if (word == known) return std::string(word);
    for (const std::string_view macro : kMacros)
      if (word.starts_with(macro)) return std::string(word);
    at = end + 1;
  }
  return {};
}

// Where what stands above begins: another definition, a comment, a directive.
bool ends_what_is_above(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t\r");
  if (last == std::string_view::npos || line[0] == '#' || line[0] == '}') return true;
  return line[last] == ';' || line[last] == '}' || line.ends_with("*/");
}

}  // namespace

std::string word_against_instrumentation(std::string_view source, int line) {
  std::vector<std::string> lines;
  std::istringstream stream{std::string(source)};
  for (std::string one; std::getline(stream, one);) lines.push_back(one);
  if (line < 1 || static_cast<std::size_t>(line) > lines.size()) return {};
  const std::size_t named = static_cast<std::size_t>(line) - 1;
  std::size_t begin = named;
  while (begin > 0 && named - begin < kAround && !ends_what_is_above(lines[begin - 1])) --begin;
  std::string head;
  for (std::size_t at = begin; at < lines.size() && at <= named + kAround; ++at) {
    const std::size_t body = lines[at].find_first_of("{;");
    head += lines[at].substr(0, body) + '\n';
    if (body != std::string::npos) break;
  }
  return word_in(head);
}

}  // namespace kcov::doctor
