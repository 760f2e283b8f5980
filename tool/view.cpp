// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "tool/view.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "report/tables.hpp"
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

std::string text_of(const coverage::Recording& recording, const ViewOptions& options) {
  const std::size_t width = report_width(options);
  if (options.raw) return report::raw_of(recording);
  if (options.json) return report::json_of(recording);
  // Without names there are PCs, and nothing to sum up.
  if (recording.unnamed.empty()) {
    if (options.calls) return report::text_of_calls(recording);
    if (options.functions) return report::text_of_functions(recording, width);
    if (options.files) return report::text_of_files(recording);
  }
  return report::text_of(recording, width);
}

}  // namespace

void add_view(CLI::App& command, ViewOptions& options) {
  CLI::Option_group* const one = command.add_option_group("what is shown");
  one->add_flag("--text", options.text, "a line for each entry, and a summary (the default)");
  one->add_flag("--calls", options.calls, "a line for each system call's name");
  one->add_flag("--functions", options.functions, "a line for each function");
  one->add_flag("--files", options.files, "a line for each source file");
  one->add_flag("--raw", options.raw, "the PCs, one a line");
  one->add_flag("--json", options.json, "for programs; see kcovtool-trace(1)");
  one->require_option(0, 1);
  command.add_flag("--full", options.full, "do not cut lines to the terminal's width, or 100");
}

Status write_view(const coverage::Recording& recording, const ViewOptions& options,
                  const std::string& output) {
  const std::string text = text_of(recording, options);
  if (!output.empty()) {
    catch_interrupts();
    if (Status written = write_file(output, text); !written) return written;
  } else {
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
  // In the text they are.
  if (options.is_given() && !options.text) fmt::print(stderr, "{}", report::losses_of(recording));
  return {};
}

}  // namespace kcov::tool
