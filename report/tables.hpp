// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A recording summed up: a line for each system call, function or source file. What following
// the command added is left out.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "coverage/recording.hpp"
#include "report/look.hpp"

namespace kcov::report {

// All entries of one name: "openat", "page fault".
struct CallSum {
  std::string name;
  coverage::EntryKind kind = coverage::EntryKind::other;
  std::size_t entries = 0;
  std::size_t records = 0;
  std::size_t pcs = 0;        // distinct
  std::size_t functions = 0;  // those that the PCs lie in, inlined ones too
  std::size_t files = 0;      // and the source files of those
};
// Those that reached the most PCs first.
std::vector<CallSum> sum_calls(const coverage::Recording& recording);

// One function, wherever it was inlined.
struct FunctionSum {
  std::string_view name;
  std::string_view file;
  int first_line = 0;   // the lowest that was reached; 0: none is known
  std::size_t pcs = 0;  // distinct
  std::size_t records = 0;
  std::set<std::string_view> calls;  // names of the entries that reached it
};
// By file and first line.
std::vector<FunctionSum> sum_functions(const coverage::Recording& recording);

struct FileSum {
  std::string_view file;
  std::size_t functions = 0;
  std::size_t lines = 0;  // that PCs, or calls that were inlined, stand on
  std::size_t pcs = 0;
};
// By name.
std::vector<FileSum> sum_files(const coverage::Recording& recording);

// As tables.
std::string text_of_calls(const coverage::Recording& recording, const Look& look);
std::string text_of_functions(const coverage::Recording& recording, const Look& look);
std::string text_of_files(const coverage::Recording& recording, const Look& look);

}  // namespace kcov::report
