// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "support/command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
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
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGXFSZ}) ::signal(signal, SIG_DFL);
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

// Between us and the program stands a process that only waits: for the program to end, or
// for us to go, be it by kill -9, which it learns from the pipe `life`. Then it ends the
// program's whole group, grandchildren included, and goes last. It holds what we hold open
// (a lock among it) until nothing is left of the program.
[[noreturn]] void watch(const Command& command, std::vector<char*>& argv, int output, int life) {
  ::setpgid(0, 0);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t child = ::fork();
  if (child < 0) ::_exit(127);
  if (child == 0) become(command, argv, output);
  ::setpgid(child, child);
  ::close(output);
  int status = 0;
  pollfd waits[2] = {{life, 0, 0},
                     {static_cast<int>(::syscall(SYS_pidfd_open, child, 0)), POLLIN, 0}};
  while (::waitpid(child, &status, WNOHANG) == 0) {
    ::poll(waits, 2, 1000);
    if (waits[0].revents != 0) ::kill(-child, SIGKILL);
  }
  if (waits[0].revents != 0) {
    while (::wait(nullptr) > 0) {
    }
  }
  ::_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
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
  int life[2] = {-1, -1};
  const pid_t watcher = ::pipe2(life, O_CLOEXEC) == 0 ? ::fork() : -1;
  if (watcher < 0) {
    const int error = errno;
    for (const int fd : {output[0], output[1], life[0], life[1]}) {
      if (fd >= 0) ::close(fd);
    }
    return Error{"cannot run " + command.arguments[0] + ": " + errno_text(error)};
  }
  if (watcher == 0) {
    ::close(output[0]);
    ::close(life[1]);
    watch(command, argv, output[1], life[0]);
  }
  ::close(output[1]);
  ::close(life[0]);

  std::string text;
  char block[65536];
  for (;;) {
    if (interrupted() != 0 && life[1] >= 0) {
      ::close(life[1]);
      life[1] = -1;
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
  pid_t ended;
  while ((ended = ::waitpid(watcher, &status, 0)) < 0 && errno == EINTR) {
    if (interrupted() == 0 || life[1] < 0) continue;
    ::close(life[1]);
    life[1] = -1;
  }
  const int error = errno;
  if (life[1] >= 0) ::close(life[1]);
  if (interrupted() != 0) return interruption();
  if (ended < 0) {
    return Error{"cannot tell how " + command.arguments[0] + " ended: " + errno_text(error)};
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace kcov
