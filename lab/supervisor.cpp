// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/supervisor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "lab/one_cpu.hpp"
#include "support/files.hpp"

namespace kcov::lab {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBetweenLooks = 1s;

[[noreturn]] void become(const SupervisedProgram& program, std::vector<char*>& argv, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (program.own_group) ::setpgid(0, 0);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(signal, SIG_DFL);
  if (output >= 0) {
    const int null = ::open("/dev/null", O_RDWR);
    if (null >= 0) ::dup2(null, 0);
    ::dup2(output, 1);
    ::dup2(output, 2);
  }
  // dup2 onto itself would leave close-on-exec set.
  if (program.channel == 3) {
    ::fcntl(3, F_SETFD, 0);
  } else {
    ::dup2(program.channel, 3);
  }
  ::close_range(4, ~0u, 0);
  for (const std::string& variable : program.environment) {
    ::putenv(const_cast<char*>(variable.c_str()));
  }
  if (program.on_one_cpu) stay_on_this_cpu();
  ::execv(argv[0], argv.data());
  ::_exit(125);
}

// Moves what there is from `from` to the log. False at the end of `from`.
bool copy_output(int from, int log) {
  char block[16384];
  const ssize_t n = ::read(from, block, sizeof block);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (n <= 0) return false;
  // A full disk loses lines of the log, not the run.
  (void)!::write(log, block, static_cast<std::size_t>(n));
  return true;
}

[[noreturn]] void watch(const SupervisedProgram& program, std::vector<char*>& argv, int life) {
  // The terminal's Ctrl-C is for the tool; it tells us by going.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);
  if (program.own_group) ::setpgid(0, 0);
  // A pipe, because the machine's console cannot wait on a file.
  int output[2] = {-1, -1};
  int log = -1;
  if (!program.log.empty()) {
    log = ::open(program.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0 || ::pipe2(output, O_CLOEXEC) != 0) ::_exit(125);
  }
  const pid_t child = ::fork();
  if (child < 0) ::_exit(125);
  if (child == 0) become(program, argv, output[1]);
  if (program.own_group) ::setpgid(child, child);
  const int ended = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  // The tool must see its ends of the channel close with the program.
  ::close(program.channel);
  if (output[1] >= 0) ::close(output[1]);
  pollfd waits[3] = {{life, POLLIN, 0}, {ended, POLLIN, 0}, {output[0], POLLIN, 0}};
  OneCpu cpu(child);
  auto last_look = Clock::now();
  while (waits[0].revents == 0 && waits[1].revents == 0) {
    if (program.on_one_cpu && Clock::now() - last_look >= kBetweenLooks) {
      cpu.look();
      last_look = Clock::now();
    }
    if (::poll(waits, 3, program.on_one_cpu ? static_cast<int>(kBetweenLooks / 1ms) : -1) < 0)
      continue;
    if (waits[2].revents != 0 && !copy_output(output[0], log)) waits[2].fd = -1;
  }
  ::kill(program.own_group ? -child : child, SIGKILL);
  if (output[0] >= 0) {
    ::fcntl(output[0], F_SETFL, O_NONBLOCK);
    for (pollfd rest{output[0], POLLIN, 0};
         ::poll(&rest, 1, 0) > 0 && copy_output(output[0], log);) {
    }
  }
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (!program.directory.empty()) {
    // The program has ended by itself: the tool learns it by our end, looks at the log, and
    // removes the directory, unless it is killed over that. So somebody stays.
    if (waits[0].revents == 0 && ::fork() == 0) {
      for (int fd = 0; fd <= 2; ++fd) ::close(fd);
      while (::poll(waits, 1, -1) < 0) {
      }
    } else if (waits[0].revents == 0) {
      ::_exit(0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(program.directory, ignored);
  }
  ::_exit(0);
}

}  // namespace

Result<Supervised> supervise(const SupervisedProgram& program) {
  std::vector<char*> argv;
  for (const std::string& argument : program.arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  int life[2];
  if (::pipe2(life, O_CLOEXEC) != 0) return Error{"cannot make a pipe: " + errno_text(errno)};
  const pid_t supervisor = ::fork();
  if (supervisor < 0) {
    const int error = errno;
    ::close(life[0]);
    ::close(life[1]);
    return Error{"cannot make a process: " + errno_text(error)};
  }
  if (supervisor == 0) {
    ::close(life[1]);
    watch(program, argv, life[0]);
  }
  ::close(life[0]);
  return Supervised{supervisor, life[1]};
}

}  // namespace kcov::lab
