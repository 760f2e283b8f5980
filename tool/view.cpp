// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "tool/view.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "report/trace_report.hpp"
#include "support/files.hpp"
#include "support/interrupt.hpp"

namespace kcov::tool {
namespace {

// Columns that a line of the report may take; 0: as many as it needs.
std::size_t report_width(const ViewOptions& options) {
  constexpr std::size_t kUsual = 100;
  if (options.full) return 0;
  winsize size{};
  if (::isatty(1) == 0 || ::ioctl(1, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return std::max<std::size_t>(size.ws_col, 80);
}

}  // namespace

void add_view(CLI::App& command, ViewOptions& options) {
  CLI::Option* const text = command.add_flag("--text", options.text,
                                             "a line for each entry, and a summary (the default)");
  CLI::Option* const raw = command.add_flag("--raw", options.raw, "the PCs, one a line");
  CLI::Option* const json =
      command.add_flag("--json", options.json, "for programs; see kcovtool(1)");
  raw->excludes(text);
  json->excludes(text)->excludes(raw);
  command.add_flag("--full", options.full, "do not cut lines to the terminal's width, or 100");
}

Status write_view(const coverage::Recording& recording, const ViewOptions& options,
                  const std::string& output) {
  const std::string text = options.raw    ? report::raw_of(recording)
                           : options.json ? report::json_of(recording)
                                          : report::text_of(recording, report_width(options));
  if (!output.empty()) {
    catch_interrupts();
    if (Status written = write_file(output, text); !written) return written;
  } else {
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
  // What only programs read would lose its losses otherwise.
  if (options.raw || options.json) fmt::print(stderr, "{}", report::losses_of(recording));
  return {};
}

}  // namespace kcov::tool
