// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "tool/terminal.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace kcov::tool {
namespace {

// A variable that is set to nothing is as good as not set, but for $..._PAGER.
bool is_set(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

// Shell commands that end with one of these were not run.
constexpr int kCannotRun = 126;
constexpr int kNotFound = 127;

// For the shell; empty: none is wanted.
std::string pager() {
  for (const char* name : {"KCOVTOOL_PAGER", "PAGER"}) {
    const char* const value = std::getenv(name);
    if (value == nullptr) continue;
    return std::string_view(value) == "cat" ? "" : value;
  }
  // Where it is missing nobody need hear of it.
  return "command -v less >/dev/null || exit 127; exec less";
}

// Rows that it takes; lines that are longer than the terminal is wide take more than one.
std::size_t rows_of(std::string_view text, const Terminal& terminal) {
  std::size_t rows = 0;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size());
    rows += 1 + (terminal.columns == 0 || size == 0 ? 0 : (size - 1) / terminal.columns);
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  return rows;
}

// The environment of a pager: ours, and what less and lv need to show colours and to leave what
// fits on one screen, where the user has not said otherwise.
std::vector<std::string> pager_environment() {
  std::vector<std::string> environment;
  for (char** variable = environ; *variable != nullptr; ++variable)
    environment.emplace_back(*variable);
  if (std::getenv("LESS") == nullptr) environment.emplace_back("LESS=FRX");
  if (std::getenv("LV") == nullptr) environment.emplace_back("LV=-c");
  if (std::getenv("LESSCHARSET") == nullptr) environment.emplace_back("LESSCHARSET=utf-8");
  return environment;
}

// In its scope the terminal's signals are for the pager, and one that has left is no reason to
// die.
class PagersSignals {
 public:
  PagersSignals() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    for (std::size_t i = 0; i < kCount; ++i) ::sigaction(kSignals[i], &ignore, &before_[i]);
  }
  ~PagersSignals() {
    for (std::size_t i = 0; i < kCount; ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
  }
  PagersSignals(const PagersSignals&) = delete;
  PagersSignals& operator=(const PagersSignals&) = delete;

  // Those whose default the pager is to have.
  static sigset_t set() {
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int signal : kSignals) ::sigaddset(&signals, signal);
    return signals;
  }

 private:
  static constexpr std::size_t kCount = 3;
  static constexpr int kSignals[kCount] = {SIGINT, SIGQUIT, SIGPIPE};
  struct sigaction before_[kCount];
};

// Runs it with the read end of a pipe as its standard input; -1: it cannot be run.
pid_t start(const std::string& command, int read_end) {
  const std::vector<std::string> environment = pager_environment();
  std::vector<char*> variables;
  for (const std::string& variable : environment)
    variables.push_back(const_cast<char*>(variable.c_str()));
  variables.push_back(nullptr);
  const char* const arguments[] = {"sh", "-c", command.c_str(), nullptr};

  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&files, read_end, 0);
  const sigset_t signals = PagersSignals::set();
  ::posix_spawnattr_setsigdefault(&attributes, &signals);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t child = -1;
  const int error = ::posix_spawn(&child, "/bin/sh", &files, &attributes,
                                  const_cast<char* const*>(arguments), variables.data());
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  return error == 0 ? child : -1;
}

// False: it was not run, and nothing was shown.
bool page(const std::string& command, std::string_view text) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  const PagersSignals scope;
  const pid_t child = start(command, ends[0]);
  ::close(ends[0]);
  while (child > 0 && !text.empty()) {
    const ssize_t n = ::write(ends[1], text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    // It wants no more.
    if (n < 0) break;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  ::close(ends[1]);
  if (child < 0) return false;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return !WIFEXITED(status) ||
         (WEXITSTATUS(status) != kCannotRun && WEXITSTATUS(status) != kNotFound);
}

}  // namespace

Terminal terminal_of(int fd) {
  Terminal terminal;
  terminal.is_one = ::isatty(fd) != 0;
  winsize size{};
  if (terminal.is_one && ::ioctl(fd, TIOCGWINSZ, &size) == 0) {
    terminal.columns = size.ws_col;
    terminal.rows = size.ws_row;
  }
  return terminal;
}

report::Look look_for(const Terminal& terminal, const std::string& when, bool full) {
  // Where nobody says how many there are, and where fewer can hold no table.
  constexpr std::size_t kUsual = 100;
  constexpr std::size_t kLeast = 40;
  const char* const kind = std::getenv("TERM");
  const bool by_itself = terminal.is_one && !is_set("NO_COLOR") && kind != nullptr &&
                         std::string_view(kind) != "dumb" && *kind != '\0';
  const bool colour = when == "always" || (when != "never" && by_itself);
  if (full) return {0, colour};
  return {terminal.columns == 0 ? kUsual : std::max(terminal.columns, kLeast), colour};
}

void write_out(std::string_view text) {
  const Terminal terminal = terminal_of(1);
  if (terminal.is_one && terminal.rows != 0 && rows_of(text, terminal) >= terminal.rows) {
    std::fflush(stdout);
    const std::string command = pager();
    if (!command.empty() && page(command, text)) return;
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void say_text(std::string_view message) {
  std::string text = "kcovtool: ";
  for (std::size_t begin = 0; begin <= message.size();) {
    const std::size_t end = std::min(message.find('\n', begin), message.size());
    text += report::printable(message.substr(begin, end - begin)) + '\n';
    begin = end + 1;
  }
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace kcov::tool
