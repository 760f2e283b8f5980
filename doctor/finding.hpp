// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What an examination found: one line for each thing that was looked at, and what to do where
// something is wrong.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kcov::doctor {

enum class Verdict {
  ok,
  problem,
  not_known,  // it could not be looked at, or what was seen allows of both
};

struct Finding {
  std::string check;  // "debugfs"
  Verdict verdict = Verdict::not_known;
  std::string seen;    // one sentence: what was looked at, and what was there
  std::string remedy;  // what to do, or where nothing is wrong a word more; empty: nothing
};

// What belongs together: a kernel, a compiler, a recording.
struct Section {
  std::string title;
  // Whether a problem here stands in the way of what was asked for. One in a kernel that nobody
  // wants to trace on does not.
  bool decides = true;
  std::vector<Finding> findings;

  void ok(std::string check, std::string seen, std::string remedy = {});
  void problem(std::string check, std::string seen, std::string remedy);
  void not_known(std::string check, std::string seen, std::string remedy = {});
  bool has_problem() const;
};

struct Examination {
  std::vector<Section> sections;

  // Nothing that stands in the way was found.
  bool is_well() const;
};

// For people. What is not printable ASCII, which file names and the text of programs may hold, is
// shown as \xNN.
std::string text_of(const Examination& examination);

// One object; documented in kcovtool-doctor(1).
std::string json_of(const Examination& examination);

std::string_view name_of(Verdict verdict);

}  // namespace kcov::doctor
