// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "doctor/makefile.hpp"

#include <optional>
#include <sstream>
#include <utility>

namespace kcov::doctor {
namespace {

enum class Truth { no, yes, not_known };

std::string trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1));
}

// With one space for each run of blanks.
std::string single_spaced(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool is_blank = c == ' ' || c == '\t';
    if (!is_blank || result.empty() || result.back() != ' ') result += is_blank ? ' ' : c;
  }
  return result;
}

// Where the reference that begins at `at` ends: behind its parenthesis.
std::size_t end_of_reference(std::string_view text, std::size_t at) {
  int depth = 0;
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '(' || text[i] == '{') ++depth;
    if ((text[i] == ')' || text[i] == '}') && --depth == 0) return i + 1;
  }
  return text.size();
}

struct Pair {
  std::string left = "$";  // which nobody can expand
  std::string right = "$";
};

// The two sides of (a,b), "a" "b" or 'a' 'b'.
Pair split_pair(std::string_view text) {
  if (text.size() < 3) return {};
  const char first = text.front();
  if (first == '(' && text.back() == ')') {
    for (std::size_t at = 1; at + 1 < text.size(); ++at) {
      if (text[at] == '$')
        at = end_of_reference(text, at) - 1;
      else if (text[at] == ',')
        return {trimmed(text.substr(1, at - 1)),
                trimmed(text.substr(at + 1, text.size() - at - 2))};
    }
  }
  if (first != '"' && first != '\'') return {};
  const std::size_t end = text.find(first, 1);
  const std::size_t next = end == std::string_view::npos ? end : text.find(first, end + 1);
  if (next == std::string_view::npos || text.back() != first || next + 1 >= text.size()) return {};
  return {std::string(text.substr(1, end - 1)),
          std::string(text.substr(next + 1, text.size() - next - 2))};
}

class Conditions {
 public:
  explicit Conditions(const KernelConfig* config) : config_(config) {}

  // Whether the line was one of a condition.
  bool take(const std::string& line) {
    std::string word = line.substr(0, line.find_first_of(" \t("));
    std::string rest = trimmed(std::string_view(line).substr(word.size()));
    if (word == "endif") {
      if (!levels_.empty()) levels_.pop_back();
      return true;
    }
    if (word == "else") {
      if (levels_.empty()) return true;
      Level& level = levels_.back();
      const Truth others = level.taken;
      Truth now = Truth::yes;
      if (!rest.empty()) {
        word = rest.substr(0, rest.find_first_of(" \t("));
        now = evaluate(word, trimmed(std::string_view(rest).substr(word.size())));
      }
      level.text = line + " of " + level.text;
      level.now = both(negated(others), now);
      level.taken = either(others, now);
      return true;
    }
    if (word != "ifdef" && word != "ifndef" && word != "ifeq" && word != "ifneq") return false;
    const Truth now = evaluate(word, rest);
    levels_.push_back({line, now, now});
    return true;
  }

  Truth hold() const {
    Truth all = Truth::yes;
    for (const Level& level : levels_) all = both(all, level.now);
    return all;
  }
  // Those that are not known.
  std::string doubts() const {
    std::string text;
    for (const Level& level : levels_)
      if (level.now == Truth::not_known) text += (text.empty() ? "" : ", ") + level.text;
    return text;
  }

 private:
  struct Level {
    std::string text;
    Truth now;    // of this branch
    Truth taken;  // whether this or one before it was
  };

  static Truth negated(Truth a) {
    return a == Truth::not_known ? a : a == Truth::yes ? Truth::no : Truth::yes;
  }
  static Truth both(Truth a, Truth b) {
    if (a == Truth::no || b == Truth::no) return Truth::no;
    return a == Truth::yes && b == Truth::yes ? Truth::yes : Truth::not_known;
  }
  static Truth either(Truth a, Truth b) { return negated(both(negated(a), negated(b))); }
  static Truth truth(bool value) { return value ? Truth::yes : Truth::no; }

  // With all options of the configuration in it; nothing where there is anything else.
  std::optional<std::string> expanded(std::string_view text) const {
    std::string result;
    for (std::size_t at = 0; at < text.size();) {
      if (text[at] != '$') {
        result += text[at++];
        continue;
      }
      const std::size_t end = end_of_reference(text, at);
      if (end < at + 4) return std::nullopt;
      const std::string_view name = text.substr(at + 2, end - at - 3);
      if (!name.starts_with("CONFIG_") || config_ == nullptr) return std::nullopt;
      result += config_->value(name);
      at = end;
    }
    return trimmed(result);
  }

  Truth evaluate(const std::string& word, const std::string& rest) const {
    if (word == "ifdef" || word == "ifndef") {
      if (config_ == nullptr || !rest.starts_with("CONFIG_")) return Truth::not_known;
      return truth(config_->is_set(rest) == (word == "ifdef"));
    }
    const Pair pair = split_pair(rest);
    const std::optional<std::string> left = expanded(pair.left);
    const std::optional<std::string> right = expanded(pair.right);
    if (!left || !right) return Truth::not_known;
    return truth((*left == *right) == (word == "ifeq"));
  }

  const KernelConfig* config_;
  std::vector<Level> levels_;
};

// A line that may go on in the next ones, without the comment at its end.
struct Line {
  std::string text;
  std::string comment;  // where it is nothing else
  int number = 0;
};

std::vector<Line> logical_lines(std::string_view makefile) {
  std::vector<Line> lines;
  std::istringstream stream{std::string(makefile)};
  int number = 0;
  for (std::string text; std::getline(stream, text);) {
    Line line;
    line.number = ++number;
    for (std::string next; text.ends_with('\\') && std::getline(stream, next); ++number) {
      text.back() = ' ';
      text += trimmed(next);
    }
    const std::size_t hash = text.find('#');
    if (hash != std::string::npos && (hash == 0 || text[hash - 1] != '\\')) {
      const std::string comment = trimmed(std::string_view(text).substr(hash + 1));
      text.erase(hash);
      if (trimmed(text).empty()) line.comment = comment.empty() ? " " : comment;
    }
    line.text = trimmed(text);
    lines.push_back(std::move(line));
  }
  return lines;
}

// The assignment that the line is, if it is one.
std::optional<Assignment> assignment_in(const std::string& line) {
  const std::size_t equals = line.find('=');
  if (equals == std::string::npos || equals == 0) return std::nullopt;
  std::size_t begin = equals;
  if (line[begin - 1] == '+' || line[begin - 1] == '?') {
    --begin;
  } else {
    while (begin > 0 && line[begin - 1] == ':') --begin;
  }
  Assignment assignment;
  assignment.variable = trimmed(std::string_view(line).substr(0, begin));
  if (assignment.variable.starts_with("export "))
    assignment.variable = trimmed(std::string_view(assignment.variable).substr(7));
  // A rule, or a command of one.
  if (assignment.variable.empty() ||
      assignment.variable.find_first_of(" \t:") != std::string::npos) {
    return std::nullopt;
  }
  assignment.operation = line.substr(begin, equals + 1 - begin);
  assignment.value = trimmed(std::string_view(line).substr(equals + 1));
  assignment.text = single_spaced(line);
  return assignment;
}

}  // namespace

std::vector<Assignment> read_assignments(std::string_view makefile, const KernelConfig* config) {
  std::vector<Assignment> assignments;
  Conditions conditions(config);
  std::string reason;  // the comment above; of all the assignments in the block below it
  bool reason_is_used = false;
  for (const Line& line : logical_lines(makefile)) {
    if (!line.comment.empty()) {
      if (reason_is_used) reason.clear();
      reason_is_used = false;
      const std::string text = trimmed(line.comment);
      reason += reason.empty() || text.empty() ? text : " " + text;
      continue;
    }
    // The comment above a condition is of what is in it.
    if (!line.text.empty() && conditions.take(line.text)) continue;
    std::optional<Assignment> found = assignment_in(line.text);
    if (!found) {
      reason.clear();
    } else if (conditions.hold() != Truth::no) {
      found->line = line.number;
      found->reason = reason;
      found->condition = conditions.doubts();
      assignments.push_back(std::move(*found));
    }
    reason_is_used = true;
  }
  return assignments;
}

bool may_be(std::string_view variable, std::string_view name) {
  const std::size_t at = variable.find('$');
  if (at == std::string_view::npos) return variable == name;
  if (!name.starts_with(variable.substr(0, at))) return false;
  const std::string_view rest = variable.substr(end_of_reference(variable, at));
  for (std::size_t end = at; end <= name.size(); ++end)
    if (may_be(rest, name.substr(end))) return true;
  return false;
}

}  // namespace kcov::doctor
