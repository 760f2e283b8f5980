// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The directory of a report: there as a whole, or as it was before.
//
// It is made beside its place, as NAME.partial, and takes it at the end. What it replaces is an
// earlier report or empty: a report is known by a file in it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "support/result.hpp"

namespace kcov::report::html {

class ReportDirectory {
 public:
  // Errors: there is something else in its place, or it cannot be written there.
  static Result<ReportDirectory> create(const std::string& path);
  ReportDirectory(ReportDirectory&& other) noexcept;
  ReportDirectory& operator=(ReportDirectory&&) = delete;
  // Removes what did not take its place.
  ~ReportDirectory();

  // `name`: below the directory. An Error when we were interrupted, too.
  Status write(const std::string& name, std::string_view contents);
  // Puts it in its place.
  Status finish();

 private:
  ReportDirectory(std::filesystem::path path, std::filesystem::path partial, int lock);

  std::filesystem::path path_;
  std::filesystem::path partial_;  // empty: it is in its place
  int lock_ = -1;                  // its mark, locked while it is written
};

}  // namespace kcov::report::html
