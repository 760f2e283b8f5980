// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "support/command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "support/files.hpp"
#include "support/interrupt.hpp"

namespace kcov {
namespace {

[[noreturn]] void become(const Command& command, std::vector<char*>& argv, int output) {
  ::setpgid(0, 0);
  // Killed outright, we cannot end it; then it ends by itself.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(output, 1);
  ::dup2(output, 2);
  if (const int null = ::open("/dev/null", O_RDONLY); null >= 0) ::dup2(null, 0);
  for (const std::string& variable : command.environment) {
    ::putenv(const_cast<char*>(variable.c_str()));
  }
  if (!command.directory.empty() && ::chdir(command.directory.c_str()) != 0) ::_exit(127);
  ::execvp(argv[0], argv.data());
  ::_exit(127);
}

// Feeds whole lines to `on_line`; what is left after the last newline stays in `text`.
void give_lines(std::string& text, const std::function<void(std::string_view)>& on_line) {
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    if (on_line) on_line(std::string_view(text).substr(begin, end - begin));
  }
  text.erase(0, begin);
}

}  // namespace

Result<int> run_command(const Command& command) {
  std::vector<char*> argv;
  for (const std::string& argument : command.arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);

  int output[2];
  if (::pipe2(output, O_CLOEXEC) != 0) {
    return Error{"cannot run " + command.arguments[0] + ": " + errno_text(errno)};
  }
  const pid_t child = ::fork();
  if (child < 0) {
    const int error = errno;
    ::close(output[0]);
    ::close(output[1]);
    return Error{"cannot run " + command.arguments[0] + ": " + errno_text(error)};
  }
  if (child == 0) become(command, argv, output[1]);
  ::setpgid(child, child);
  ::close(output[1]);

  std::string text;
  char block[65536];
  bool killed = false;
  for (;;) {
    if (interrupted() != 0 && !killed) {
      ::kill(-child, SIGKILL);
      killed = true;
    }
    // A timeout, so that a signal between the test and poll() is noticed all the same.
    pollfd wait{output[0], POLLIN, 0};
    if (::poll(&wait, 1, 200) <= 0) continue;
    const ssize_t n = ::read(output[0], block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(block, static_cast<std::size_t>(n));
    give_lines(text, command.on_line);
  }
  ::close(output[0]);
  if (!text.empty() && command.on_line) command.on_line(text);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (interrupted() != 0) {
    return Error{command.arguments[0] + " was interrupted", interrupt_exit_code()};
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace kcov
