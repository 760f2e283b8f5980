// SPDX-License-Identifier: GPL-2.0-only OR MIT
// kcovtool: what a command executed in a kernel. Here: the command line and its
// errors; the work is in lab/, symbol/, coverage/ and report/.
#include <cstdio>

#include "support/interrupt.hpp"
#include "tool/commands.hpp"

namespace kcov::tool {

void add_command_to_run(CLI::App& app, std::vector<std::string>& command) {
  app.add_option("command", command, "the command and its arguments, after --")
      ->required()
      ->type_name("-- CMD ARGS");
  // What stands behind the command's name is its own, options included.
  app.positionals_at_end();
  app.prefix_command(false);
}

}  // namespace kcov::tool

int main(int argc, char** argv) {
  CLI::App app{"kcovtool: kernel code coverage of a command, on a real kernel, without root"};
  app.name("kcovtool");
  app.require_subcommand(1);
  app.set_version_flag("--version", KCOV_VERSION);
  app.failure_message(CLI::FailureMessage::simple);
  app.footer(
      "Exit codes: 0 done; 2 wrong command line; 125 kcovtool failed; 126 the command is not\n"
      "executable; 127 no such command; 128+N ended by signal N; otherwise, for trace and\n"
      "lab run, the command's own.");
  kcov::tool::Action chosen;
  kcov::tool::add_trace(app, chosen);
  kcov::tool::add_symbolize(app, chosen);
  kcov::tool::add_lab(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  kcov::catch_interrupts();
  const kcov::Result<int> status = chosen();
  if (!status) {
    std::fflush(stdout);
    std::fprintf(stderr, "kcovtool: %s\n", status.error().message.c_str());
    return status.error().exit_code;
  }
  if (std::fflush(stdout) != 0) {
    std::fprintf(stderr, "kcovtool: cannot write to standard output\n");
    return 125;
  }
  return *status;
}
