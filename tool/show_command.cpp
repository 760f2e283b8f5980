// SPDX-License-Identifier: GPL-2.0-only OR MIT
// kcovtool show: a recording, as `trace` would have shown it.
#include <fmt/format.h>

#include <memory>

#include "support/interrupt.hpp"
#include "tool/commands.hpp"
#include "tool/names.hpp"
#include "tool/terminal.hpp"
#include "tool/view.hpp"

namespace kcov::tool {
namespace {

struct ShowOptions {
  std::string file;
  std::string vmlinux;
  ViewOptions view;
};

Result<int> show(const ShowOptions& options) {
  Result<coverage::Recording> recording = read_named(options.file, options.vmlinux);
  if (!recording) return recording.error();
  if (!options.view.raw) {
    if (Status named = check_names(*recording, options.file, options.vmlinux); !named)
      return named.error();
  }
  if (!options.view.raw && !recording->unnamed.empty()) say("{}", recording->unnamed);
  if (options.view.raw) recording->unnamed.clear();
  if (Status going_on = release_interrupts(); !going_on) return going_on.error();
  if (Status written = write_view(*recording, options.view, options.vmlinux, {}); !written)
    return written.error();
  return 0;
}

}  // namespace

void add_show(CLI::App& app, Action& chosen) {
  CLI::App* const command =
      app.add_subcommand("show", "show a recording that trace -o has made, as trace shows it");
  const auto options = std::make_shared<ShowOptions>();
  add_view(*command, options->view);
  command->add_option("--vmlinux", options->vmlinux,
                      "the image of the kernel that ran, for the names; without it those in the "
                      "recording are shown");
  command->add_option("file", options->file, "the recording")->required();
  command->callback([&chosen, options] { chosen = [options] { return show(*options); }; });
}

}  // namespace kcov::tool
