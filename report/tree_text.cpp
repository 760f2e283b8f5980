// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/tree_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "coverage/call_tree.hpp"
#include "report/arguments.hpp"
#include "report/printable.hpp"
#include "report/trace_report.hpp"

namespace kcov::report {
namespace {

using coverage::CallNode;

constexpr std::size_t kNumberColumns = 8;

// The line of one call, at its depth.
std::string line_of(const CallNode& node, std::size_t depth, const Look& look) {
  std::string tail;
  if (node.times > 1) tail += fmt::format(" ×{}", node.times);
  if (node.is_inlined) tail += ", inlined";
  if (!node.has_begun) tail += ", goes on";
  std::string place = printable(node.file);
  if (!place.empty() && node.line != 0) place += fmt::format(":{}", node.line);

  std::string name = node.function.empty() ? "?" : printable(node.function);
  std::size_t indent = 2 * depth;
  std::string level;
  std::size_t left = 0;
  if (look.width != 0) {
    left = look.width - std::min(look.width, kNumberColumns + 1);
    // What is called from very deep keeps room for its name, and says how deep it is.
    if (indent > left / 2) {
      level = fmt::format("[{}] ", depth);
      indent = left / 2 - std::min(left / 2, level.size());
    }
    left -= std::min(left, indent + level.size());
    const std::size_t tail_columns = columns_of(tail);
    const std::size_t room = left - std::min(left, tail_columns);
    // The name is what one looks for; the place gets what that leaves, at least a part of it.
    const std::size_t least = std::min(columns_of(place) + 2, left * 2 / 5);
    name = shortened(name, std::max<std::size_t>(room - std::min(room, least), 8));
    const std::size_t taken = columns_of(name) + tail_columns;
    const std::size_t for_place = left > taken + 2 ? left - taken - 2 : 0;
    place = for_place < 8 ? "" : shortened_path(place, for_place);
  }
  std::string line = fmt::format("{:>{}} ", node.records, kNumberColumns);
  line.append(indent, ' ').append(level).append(name);
  line += toned(look, Tone::quiet, tail);
  if (place.empty()) return line + '\n';
  const std::size_t taken = columns_of(name) + columns_of(tail);
  const std::size_t gap = look.width == 0 ? 2 : left - std::min(left, taken + columns_of(place));
  return line.append(gap, ' ') + toned(look, Tone::quiet, place) + '\n';
}

void print(const std::vector<CallNode>& calls, std::size_t depth, const Look& look,
           std::string& text) {
  for (const CallNode& node : calls) {
    text += line_of(node, depth, look);
    print(node.calls, depth + 1, look, text);
  }
}

}  // namespace

std::string text_of_tree(const Recording& recording, const Look& look) {
  std::string text =
      toned(look, Tone::heading,
            fmt::format("{:>{}} entry, and what was called", "PCs", kNumberColumns)) +
      '\n';
  using Accessors = coverage::CallTrees::Accessors;
  coverage::CallTrees trees(recording, look.width == 0 ? Accessors::shown : Accessors::left_out);
  std::unordered_map<std::uint32_t, std::size_t> printed;  // by shape: the entry's number
  Paths paths(recording);
  std::size_t number = 0;
  for (const Task& task : recording.tasks) {
    if (task.is_hidden()) continue;
    if (recording.tasks.size() > 1)
      text += '\n' + toned(look, Tone::heading, heading_of(task)) + '\n';
    const std::vector<const coverage::Call*> calls = coverage::calls_of_entries(task);
    for (std::size_t place = 0; place < task.entries.size(); ++place) {
      const coverage::Entry& entry = task.entries[place];
      if (!entry.is_shown()) continue;
      ++number;
      const std::optional<std::uint32_t> seen = trees.known_shape(task, entry);
      const CallNode root = seen ? CallNode{.shape = *seen} : trees.of(task, entry);
      const auto [known, is_new] = printed.try_emplace(root.shape, number);
      const std::size_t fresh = paths.of(task, entry).fresh;
      text += fmt::format("{:>{}} ", entry.record_count(), kNumberColumns);
      const std::string its_number = fmt::format("  #{}", number);
      const std::string news = fresh == 0 ? std::string{} : fmt::format(", {} new", fresh);
      const std::string like = is_new ? std::string{} : fmt::format(", like #{}", known->second);
      constexpr std::size_t kLeast = 12;
      const std::size_t others = kNumberColumns + 1 + its_number.size() + news.size() + like.size();
      const std::size_t left = look.width == 0 ? 0 : std::max(look.width, others + kLeast) - others;
      text += toned(look, Tone::name,
                    calls[place] != nullptr ? text_of_call(*calls[place], entry.name, left)
                                            : shortened(printable(entry.name), left));
      text += toned(look, Tone::quiet, its_number) + toned(look, Tone::fresh, news) +
              toned(look, Tone::quiet, like) + '\n';
      if (is_new) print(root.calls, 1, look, text);
    }
  }
  return text;
}

}  // namespace kcov::report
