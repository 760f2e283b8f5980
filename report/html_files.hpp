// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Points by source line, function, file and directory.
//
// A point lies on the line of its innermost frame and on those of the calls that were inlined
// around it, so it may belong to several lines, functions and files: it counts once in each. A
// directory counts it once, however many of its files have it; so does the whole.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "report/html_points.hpp"

namespace kcov::report::html {

struct Count {
  std::uint32_t covered = 0;
  std::uint32_t points = 0;

  bool is_partly() const { return covered != 0 && covered != points; }
};

struct Line {
  int number = 0;
  Count count = {};
  std::uint64_t hits = 0;
  // Where its covered points begin in File::reached; there are count.covered.
  std::uint32_t first_reached = 0;
};

struct Function {
  std::string_view name;
  int line = 0;  // the lowest of its file that a point of it lies on; 0: none does
  Count count = {};
  std::uint64_t hits = 0;  // of the point that was reached most often
};

struct File {
  std::string_view name;
  Count count = {};
  std::vector<Line> lines = {};             // ascending
  std::vector<Function> functions = {};     // by line
  std::vector<std::uint32_t> reached = {};  // numbers in the CoverageSet

  std::span<const std::uint32_t> reached_on(const Line& line) const {
    return std::span(reached).subspan(line.first_reached, line.count.covered);
  }
};

struct Directory {
  std::string_view name;  // the last part; of a file below / the first is empty
  Count count = {};
  std::vector<std::uint32_t> directories = {};  // indices into Tree::directories, by name
  std::vector<std::uint32_t> files = {};        // indices into Tree::files, by name
};

struct Tree {
  std::vector<File> files;             // by name
  std::vector<Directory> directories;  // the first is the whole
  Count nowhere;                       // points of which no file and line is known
};

// The deepest directory that is one of its own: what is below it is part of a file's name. No
// source is that deep; names of a damaged recording may be anything.
inline constexpr std::size_t kDeepest = 64;

// The last part of a file's name, as directories have it.
std::string_view last_part(std::string_view name);

// The names are the points'. `hits`: of each number in the CoverageSet.
Tree tree_of(const Points& points, std::span<const std::uint64_t> hits);

}  // namespace kcov::report::html
