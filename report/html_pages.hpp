// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The files of a report that are the same in each: report/html/*, built into the program.
#pragma once

#include <span>
#include <string_view>

namespace kcov::report::html {

struct Page {
  std::string_view name;
  std::string_view text;
};

std::span<const Page> pages();

}  // namespace kcov::report::html
