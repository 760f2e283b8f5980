// SPDX-License-Identifier: GPL-2.0-only OR MIT
// kcovtool: what a command executed in a kernel. Here: the command line and its
// errors; the work is in lab/, symbol/, coverage/ and report/.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>

#include "support/files.hpp"
#include "support/interrupt.hpp"
#include "tool/commands.hpp"
#include "tool/terminal.hpp"

namespace kcov::tool {

void add_command_to_run(CLI::App& app, std::vector<std::string>& command) {
  app.add_option("command", command, "the command and its arguments, after --")
      ->required()
      ->type_name("-- CMD ARGS");
  // What stands behind the command's name is its own, options included.
  app.positionals_at_end();
  app.prefix_command(false);
}

void add_machine(CLI::App& app, std::string& machine) {
  app.add_option("--machine", machine,
                 "um: user-mode Linux; x86_64: under QEMU, emulated; or a configuration of one of "
                 "them, by its name in lab/config")
      ->capture_default_str();
}

void add_writable(CLI::App& app, std::vector<std::string>& directories) {
  app.add_option("--write", directories,
                 "a host directory that the command may change; all else is read-only but for a "
                 "private /tmp")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

CLI::Validator not_empty(const char* what) {
  const auto check = [what](const std::string& name) {
    return name.empty() ? std::string("it is empty; name ") + what : std::string();
  };
  return CLI::Validator(check, "");
}

CLI::Validator output_name() {
  const auto check = [](const std::string& name) -> std::string {
    if (name == "-") return "standard output is not for it; name a file (./- is one)";
    if (name == "--") return "it has no name; name a file before --";
    return "";
  };
  return not_empty() & CLI::Validator(check, "");
}

Result<std::vector<std::string>> resolve_writable(const std::vector<std::string>& directories) {
  std::vector<std::string> resolved;
  for (const std::string& directory : directories) {
    std::error_code error;
    const std::filesystem::path path = std::filesystem::canonical(directory, error);
    if (error || !std::filesystem::is_directory(path, error)) {
      return Error{"cannot make " + directory + " writable: it is no directory", 2};
    }
    if (path == "/") {
      return Error{"cannot make / writable: name the directories that the command is to change", 2};
    }
    resolved.push_back(path.string());
  }
  return resolved;
}

}  // namespace kcov::tool

namespace {

// Errors are values; what the libraries throw all the same (no memory, a damaged file's
// JSON, a wrong regular expression in an edit) becomes one here.
kcov::Result<int> run(const kcov::tool::Action& action) {
  try {
    return action();
  } catch (const std::exception& exception) {
    return kcov::Error{std::string("failed: ") + exception.what()};
  }
}

// A command line may come with closed standard streams. What we open next must not take
// their numbers; reading there finds nothing, and writing fails as on a closed one.
void open_standard_streams() {
  int fd;
  do {
    fd = ::open("/dev/null", O_RDONLY);
  } while (fd >= 0 && fd <= 2);
  if (fd > 2) ::close(fd);
}

// What CLI11 found wrong, as our other messages are. It asks the one that was called: that a
// subcommand was chosen is known to that alone.
std::string wrong_command_line(const CLI::App* app, const CLI::Error& error) {
  std::string what = error.what();
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  const std::vector<std::string> rest = app->remaining(true);
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError) &&
      !app->get_subcommands([](const CLI::App*) { return true; }).empty() && !rest.empty() &&
      rest.front() != "--")
    what = "there is no subcommand \"" + rest.front() + '"';
  // It takes the "--" before a command for an argument.
  if (const std::size_t at = what.find(": -- "); at != std::string::npos) what.erase(at + 2, 3);
  std::string names;
  for (; app != nullptr; app = app->get_parent()) names = app->get_name() + ' ' + names;
  return "kcovtool: " + what + " (see " + names + "--help)\n";
}

// Whether all that we said has been taken.
bool end_output() {
  // CLI11 prints with streams, we do not.
  std::cout.flush();
  // A reader who keeps us waiting is not to keep us from ending.
  (void)kcov::release_interrupts();
  if (std::cout.good() && std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return true;
  std::fprintf(stderr, "kcovtool: cannot write to standard output: %s\n",
               kcov::errno_text(errno).c_str());
  return false;
}

}  // namespace

// What is thrown outside of run(), where the options are made, is no memory: the end.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  open_standard_streams();
  // Inherited as ignored, it would keep the exit status of every child from us.
  std::signal(SIGCHLD, SIG_DFL);
  // A file that may not grow further is an error of write(), like a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  CLI::App app{"kcovtool: kernel code coverage of a command, on a real kernel, without root"};
  app.name("kcovtool");
  app.require_subcommand(1);
  app.set_version_flag("--version", KCOV_VERSION);
  app.failure_message(wrong_command_line);
  app.footer(
      "Exit codes: 0 done; 1 doctor found a problem; 2 wrong command line; 125 kcovtool failed; "
      "126 the command is not\n"
      "executable; 127 no such command; 128+N ended by signal N; otherwise, for trace and\n"
      "lab run, the command's own.");
  kcov::tool::Action chosen;
  kcov::tool::add_trace(app, chosen);
  kcov::tool::add_show(app, chosen);
  kcov::tool::add_diff(app, chosen);
  kcov::tool::add_merge(app, chosen);
  kcov::tool::add_report(app, chosen);
  kcov::tool::add_export(app, chosen);
  kcov::tool::add_symbolize(app, chosen);
  kcov::tool::add_doctor(app, chosen);
  kcov::tool::add_lab(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (app.exit(error) != 0) return 2;
    return end_output() ? 0 : 125;
  }
  kcov::catch_interrupts();
  const kcov::Result<int> status = run(chosen);
  if (!status) {
    std::fflush(stdout);
    kcov::tool::say_text(status.error().message);
    return status.error().exit_code;
  }
  return end_output() ? *status : 125;
}
