// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Anchored edits: how our kcov gets into somebody else's kernel tree without a line
// of that tree standing in this repository.
//
// port/linux/edits/SERIES.json ("like" another one, but for its own edits) names each edit, the
// file it changes, its anchor (a regular expression, or a block between #ifdef and #endif) and the
// new text. What is replaced must be in the file (a block: in the region that begins with `within`)
// exactly once. All edits of a variant are made in memory first; only when every one of them has
// found its anchor is anything written, so a tree that does not fit is left as it was. (A
// disk that is full half-way leaves a half-edited tree, which is why edits go into a copy
// that is thrown away then.)
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "support/result.hpp"

namespace kcov::lab {

enum class Variant { ours, stock };
std::string_view name_of(Variant variant);

struct Edit {
  std::string name;
  std::string scope;    // "boot" (both variants), "ours" or "stock"
  std::string machine;  // the one it is for; empty: every one
  std::string why;
  std::string file;
  // One of three kinds, told apart by which of these is set:
  std::string replace;        // regular expression; $1… in `with` refer to its groups
  std::string replace_block;  // the body of `#ifdef replace_block` … `#endif` after `within`
  std::string append;         // a line at the end, if `absent` is nowhere in the file
  std::string within;
  std::string absent;
  std::string with;
};

struct FileCopy {
  std::string scope;
  std::string from;  // in the data directory: a file or a directory
  std::string to;    // in the tree
};

struct Series {
  std::string name;  // "6.12"
  std::vector<Edit> edits;
  std::vector<FileCopy> files;
};

// Reads port/linux/edits/`series`.json below `data`.
Result<Series> load_series(const std::filesystem::path& data, const std::string& series);

// `text` after the edit; an Error names the edit, the file and what was expected.
Result<std::string> apply_edit(const Edit& edit, const std::string& text);

// Whether a kernel of this variant for this machine needs it.
bool applies(const Edit& edit, Variant variant, const std::string& machine);
bool applies(const FileCopy& copy, Variant variant);

// Applies everything that `variant` needs on `machine` to `tree`: all or nothing.
Status apply_series(const Series& series, Variant variant, const std::string& machine,
                    const std::filesystem::path& data, const std::filesystem::path& tree);

}  // namespace kcov::lab
