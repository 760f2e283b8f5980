// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/agent/run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "lab/agent/follow.hpp"
#include "lab/agent/modules.hpp"

namespace kcov::agent {
namespace {

using lab::FrameType;
using lab::Outcome;

constexpr std::size_t kMaxQueuedInput = 1 << 20;
constexpr int kHeartbeatMilliseconds = 1000;

struct Pipe {
  int read_end = -1;
  int write_end = -1;
  bool open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read_end = ends[0];
    write_end = ends[1];
    return true;
  }
};

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

std::string variable(const std::vector<std::string>& environment, const std::string& name) {
  for (const std::string& entry : environment) {
    if (entry.starts_with(name + "=")) return entry.substr(name.size() + 1);
  }
  return {};
}

// The file that `name` means in `directory` with `path`; 0, 126 or 127.
int find_program(const std::string& name, const std::string& path, std::string& program) {
  std::vector<std::string> candidates;
  if (name.empty()) return 127;
  if (name.find('/') != std::string::npos) {
    candidates.push_back(name);
  } else {
    for (std::size_t begin = 0; begin <= path.size();) {
      std::size_t end = path.find(':', begin);
      if (end == std::string::npos) end = path.size();
      const std::string directory = path.substr(begin, end - begin);
      candidates.push_back((directory.empty() ? "." : directory) + "/" + name);
      begin = end + 1;
    }
  }
  int status = 127;
  for (const std::string& candidate : candidates) {
    struct stat file {};
    if (::stat(candidate.c_str(), &file) != 0) continue;
    if (S_ISREG(file.st_mode) && ::access(candidate.c_str(), X_OK) == 0) {
      program = candidate;
      return 0;
    }
    status = 126;
  }
  return status;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (const std::string& string : strings) result.push_back(const_cast<char*>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

// What the command's process needs to become the command.
struct Beginning {
  const lab::Request& request;
  const std::string& program;
  char* const* argv;
  char* const* shell;  // what is no program is a script for it, as everywhere
  char* const* envp;
  int streams[3];
  int failure;         // where an errno is reported
  int go = -1;         // it waits until there is a byte; -1: it does not
  TaskBuffer* buffer;  // null: it is not traced
  rlim_t file_limit;
};

// The command's process before it execs, in our memory: system calls and the buffer's
// reset, nothing else.
int become(void* argument) {
  const auto& [request, program, argv, shell, envp, streams, failure, go, buffer, file_limit] =
      *static_cast<const Beginning*>(argument);
  char byte;
  if (go >= 0) (void)!::read(go, &byte, 1);
  if (!request.own_streams) {
    for (int fd = 0; fd < 3; ++fd) ::dup2(streams[fd], fd);
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGXFSZ}) ::signal(signal, SIG_DFL);
  if (request.own_streams) {
    // The native machine goes on without us: what we started must not. The command stays
    // in the caller's session, for its Ctrl-C.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (request.output_to_errors) ::dup2(2, 1);
  } else {
    ::setsid();
  }
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = file_limit;
  ::setrlimit(RLIMIT_NOFILE, &files);
  int error = 0;
  if (buffer != nullptr) {
    if (const auto failed = buffer->device.enable(Mode::pcs)) error = failed.value();
    if (error == 0) buffer->records.reset();
  }
  if (error == 0) {
    ::execve(program.c_str(), argv, envp);
    error = errno;
    if (error == ENOEXEC) ::execve(shell[0], shell, envp);
  }
  (void)!::write(failure, &error, sizeof error);
  ::_exit(127);
}

// Carries bytes between the channel and the command until the command has ended and
// its output is drained.
class Pump {
 public:
  // `follower`: what traces the command, or null.
  Pump(Channel& channel, pid_t child, Follower* follower, int spool, int input, int output,
       int errors, bool owns_machine)
      : channel_(channel),
        child_(child),
        follower_(follower),
        spool_(spool),
        input_(input),
        output_(output),
        errors_(errors),
        owns_machine_(owns_machine) {
    if (input_ >= 0) ::fcntl(input_, F_SETFL, O_NONBLOCK);
    sigset_t child_signal;
    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    ended_ = ::signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  ~Pump() {
    close_fd(input_);
    close_fd(output_);
    close_fd(errors_);
    close_fd(ended_);
  }
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

  // What else than the tool's going away made run() give up; empty: nothing.
  const std::string& trouble() const { return trouble_; }

  // The command's wait status; -1 when the tool has gone away, or for trouble().
  int run() {
    // What came in one read with the request.
    if (!take_frames()) return -1;
    while (!reaped_ || output_ >= 0 || errors_ >= 0) {
      pollfd waits[5] = {{channel_.fd(), POLLIN, 0},
                         {input_, POLLOUT, 0},
                         {output_, POLLIN, 0},
                         {errors_, POLLIN, 0},
                         {ended_, POLLIN, 0}};
      if (queued_.empty()) waits[1].fd = -1;
      if (has_more_to_reap_) reap();
      if (channel_.has_queued()) waits[0].events |= POLLOUT;
      const int ready = ::poll(waits, 5, longest_wait());
      if (follower_ != nullptr) follower_->look_at_buffers();
      if (ready < 0 && errno != EINTR) return -1;
      if (!beat() || !channel_.push()) return -1;
      if (ready <= 0) continue;
      if ((waits[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !receive()) return -1;
      if (waits[1].revents != 0 && !feed()) return -1;
      if (waits[2].revents != 0) drain(output_, FrameType::output);
      if (waits[3].revents != 0) drain(errors_, FrameType::errors);
      if (waits[4].revents != 0) reap();
    }
    return status_;
  }

 private:
  // By the clock: a command that is busy with its input says nothing either.
  bool beat() {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_beat_ < std::chrono::milliseconds(kHeartbeatMilliseconds)) return true;
    last_beat_ = now;
    return channel_.send(FrameType::heartbeat, {});
  }

  bool receive() { return channel_.fill() && take_frames(); }

  bool take_frames() {
    lab::Frame frame;
    int taken;
    while ((taken = channel_.next(frame)) > 0) {
      if (frame.type == FrameType::signal)
        pass_on(static_cast<int>(lab::Decoder(frame.payload).integer()));
      else
        inputs_.push_back(std::move(frame));
    }
    return take_inputs() && taken == 0;
  }

  void pass_on(int signal) {
    if (owns_machine_)
      ::kill(-1, signal);
    else if (follower_ != nullptr)
      follower_->pass_on(signal);
  }

  // As much input as there is room for; the tool sends no more before it hears of these.
  bool take_inputs() {
    for (; !inputs_.empty() && queued_.size() < kMaxQueuedInput; inputs_.pop_front()) {
      const lab::Frame& frame = inputs_.front();
      if (frame.type == FrameType::input_file && !take_file(frame.payload)) return false;
      if (frame.type == FrameType::input_end) input_ended_ = true;
      if (frame.type != FrameType::input) continue;
      if (input_ >= 0) queued_ += frame.payload;
      if (!channel_.send(FrameType::input_taken, lab::Encoder().integer(0).take())) return false;
    }
    if (input_ended_ && queued_.empty()) close_fd(input_);
    return true;
  }

  // Reads a file of input and says that it may go.
  bool take_file(const std::string& number) {
    const std::string name = lab::spool_name(lab::Decoder(number).integer());
    int file = ::openat(spool_, name.c_str(), O_RDONLY | O_CLOEXEC);
    char block[65536];
    ssize_t n = -1;
    while (file >= 0 &&
           ((n = ::read(file, block, sizeof block)) > 0 || (n < 0 && errno == EINTR))) {
      if (n > 0 && input_ >= 0) queued_.append(block, static_cast<std::size_t>(n));
    }
    if (n < 0) trouble_ = "cannot read the command's input: " + std::string(std::strerror(errno));
    close_fd(file);
    return n == 0 && channel_.send(FrameType::input_taken, number);
  }

  bool feed() {
    const ssize_t n = ::write(input_, queued_.data(), queued_.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (n < 0) {
      // The command has closed its standard input: nobody wants the rest.
      queued_.clear();
      close_fd(input_);
    } else {
      queued_.erase(0, static_cast<std::size_t>(n));
    }
    return take_inputs();
  }

  void drain(int& fd, FrameType type) {
    char block[65536];
    const ssize_t n = ::read(fd, block, sizeof block);
    if (n < 0 && errno == EINTR) return;
    if (n <= 0) {
      close_fd(fd);
      return;
    }
    channel_.send(type, {block, static_cast<std::size_t>(n)});
  }

  int longest_wait() const {
    if (has_more_to_reap_) return 0;
    return follower_ != nullptr ? follower_->poll_milliseconds() : kHeartbeatMilliseconds;
  }

  // There is always more where tasks are made without end: the rest is for the next turn.
  void reap() {
    constexpr int kMostAtOnce = 64;
    signalfd_siginfo ignored;
    (void)!::read(ended_, &ignored, sizeof ignored);
    has_more_to_reap_ = true;
    for (int i = 0; i < kMostAtOnce; ++i) {
      int status;
      const pid_t pid = ::waitpid(-1, &status, WNOHANG | __WALL);
      has_more_to_reap_ = pid > 0;
      if (pid <= 0) return;
      if (follower_ != nullptr) follower_->changed(pid, status);
      if (pid != child_ || WIFSTOPPED(status)) continue;
      status_ = status;
      reaped_ = true;
      // What the command left behind holds its output open; it ends with it.
      if (owns_machine_) ::kill(-1, SIGKILL);
    }
  }

  Channel& channel_;
  pid_t child_;
  Follower* follower_;
  int spool_;
  int input_;
  int output_;
  int errors_;
  int ended_ = -1;
  bool owns_machine_;
  bool input_ended_ = false;
  bool reaped_ = false;
  bool has_more_to_reap_ = false;
  int status_ = 0;
  std::deque<lab::Frame> inputs_;  // in order
  std::string queued_;             // for the command, of the first of them
  std::string trouble_;
  std::chrono::steady_clock::time_point last_beat_ = std::chrono::steady_clock::now();
};

void tell_modules(Channel& channel) {
  const lab::LoadedModules loaded = loaded_modules();
  if (!loaded.modules.empty()) channel.send(FrameType::modules, encode(loaded));
}

Outcome not_run(const lab::Request& request, int error) {
  const int status = error == ENOENT || error == ENOTDIR ? 127 : 126;
  return {static_cast<std::uint64_t>(status),
          "cannot run " + request.arguments[0] + ": " + std::strerror(error)};
}

}  // namespace

Outcome run_command(Channel& channel, const lab::Request& request, bool owns_machine, int spool) {
  if (::chdir(request.directory.c_str()) != 0) {
    return {125, "cannot enter the directory " + request.directory + ": " + std::strerror(errno)};
  }
  std::string path = variable(request.environment, "PATH");
  if (path.empty()) path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  std::string program;
  if (const int status = find_program(request.arguments[0], path, program); status != 0) {
    return {static_cast<std::uint64_t>(status),
            "cannot run " + request.arguments[0] +
                (status == 127 ? ": there is no such program" : ": it is not executable")};
  }

  std::optional<Follower> follower;
  if (request.trace_words != 0) {
    follower.emplace(channel, request.trace_words, request.calls, owns_machine);
    if (std::string error = follower->prepare(); !error.empty()) return {125, error};
    tell_modules(channel);
  }

  Pipe input;
  Pipe output;
  Pipe errors;
  Pipe failure;
  Pipe go;
  if (!failure.open() || !go.open() ||
      (!request.own_streams && (!input.open() || !output.open() || !errors.open()))) {
    return {125, "cannot run " + request.arguments[0] + ": " + std::strerror(errno)};
  }
  std::vector<char*> argv = pointers(request.arguments);
  std::vector<char*> envp = pointers(request.environment);
  std::vector<std::string> script = request.arguments;
  script[0] = program;
  script.insert(script.begin(), "/bin/sh");
  std::vector<char*> shell = pointers(script);
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child_signal, nullptr);

  Beginning beginning{.request = request,
                      .program = program,
                      .argv = argv.data(),
                      .shell = shell.data(),
                      .envp = envp.data(),
                      .streams = {input.read_end, output.write_end, errors.write_end},
                      .failure = failure.write_end,
                      .buffer = nullptr,
                      .file_limit = raise_file_limit()};
  int flags = CLONE_VM | SIGCHLD;
  if (follower) {
    beginning.go = go.read_end;
    beginning.buffer = &follower->first();
  } else {
    flags |= CLONE_VFORK;
  }
  // The command's process must not inherit our memory, or its trace would begin with the
  // kernel taking a copy of the kcov buffer's map apart, page by page. It execs or ends, and
  // until then we only wait for it.
  std::vector<char> stack(65536);
  const pid_t child = ::clone(become, stack.data() + stack.size(), flags, &beginning);
  if (child < 0) return {125, "cannot make a process: " + std::string(std::strerror(errno))};
  if (follower) {
    if (std::string error = follower->seize(child); !error.empty()) {
      ::kill(child, SIGKILL);
      return {125, error};
    }
    (void)!::write(go.write_end, "", 1);
    follower->wait_for_exec(child);
  }
  close_fd(go.read_end);
  close_fd(go.write_end);
  close_fd(input.read_end);
  close_fd(output.write_end);
  close_fd(errors.write_end);
  close_fd(failure.write_end);

  Pump pump(channel, child, follower ? &*follower : nullptr, spool, input.write_end,
            output.read_end, errors.read_end, owns_machine);
  const int status = pump.run();
  if (status == -1) {
    return {125, pump.trouble().empty() ? "the connection to the tool broke" : pump.trouble()};
  }

  int error = 0;
  const bool failed = ::read(failure.read_end, &error, sizeof error) == sizeof error;
  close_fd(failure.read_end);
  if (failed) return not_run(request, error);
  if (follower) {
    follower->finish(owns_machine);
    tell_modules(channel);
  }
  return {static_cast<std::uint64_t>(WIFSIGNALED(status) ? 128 + WTERMSIG(status)
                                                         : WEXITSTATUS(status)),
          {}};
}

}  // namespace kcov::agent
