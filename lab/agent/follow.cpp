// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/agent/follow.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "lab/agent/borrowed_task.hpp"

namespace kcov::agent {
namespace {

using lab::FrameType;

constexpr long kOptions = PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                          PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD;
// Arguments of a program that are told: its name, and enough to know it by.
constexpr std::size_t kMostArguments = 4096;

std::string read_file(const std::string& path, std::size_t most) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::string text(most, '\0');
  std::size_t size = 0;
  ssize_t n;
  while (size < most && (n = ::read(fd, &text[size], most - size)) > 0)
    size += static_cast<std::size_t>(n);
  ::close(fd);
  text.resize(size);
  return text;
}

std::string read_proc(pid_t task, const char* name, std::size_t most) {
  return read_file("/proc/" + std::to_string(task) + "/" + name, most);
}

// A number out of /proc/PID/status or /proc/meminfo.
std::uint64_t field(const std::string& status, const std::string& name) {
  const std::size_t at = status.find("\n" + name + ":");
  return at == std::string::npos ? 0 : std::strtoull(&status[at + name.size() + 2], nullptr, 10);
}

// Words of a further buffer: as many as wanted, but no more than a sixteenth of the memory
// that is left, so that many tasks have small ones rather than few of them any. 0: it would
// be too small to be of use.
std::uint64_t words_that_fit(std::uint64_t wanted) {
  constexpr std::uint64_t kPageWords = 512;
  constexpr std::uint64_t kLeast = 16 * kPageWords;
  const std::uint64_t kib = field(read_file("/proc/meminfo", 4096), "MemAvailable");
  const std::uint64_t words = std::min(wanted, kib * 1024 / 16 / sizeof(std::uint64_t));
  return words == wanted ? words : words < kLeast ? 0 : words / kPageWords * kPageWords;
}

std::string failure(const char* what, long result) {
  return std::string("it could not ") + what + ": " + std::strerror(static_cast<int>(-result));
}

}  // namespace

std::string Tracer::open(std::uint64_t words) {
  if (const auto error = device.open()) {
    return "cannot open " + std::string(kDevicePath) + ": " + error.message();
  }
  if (const auto error = device.initialize(words)) {
    return "cannot make a kcov buffer of " + std::to_string(words) + " words: " + error.message();
  }
  if (const auto error = device.map(buffer)) {
    return "cannot map the kcov buffer: " + error.message();
  }
  return {};
}

Follower::~Follower() {
  if (listener_ >= 0) ::close(listener_);
}

std::string Follower::prepare() {
  auto tracer = std::make_unique<Tracer>();
  if (std::string error = tracer->open(words_); !error.empty()) return error;
  spare_.push_back(std::move(tracer));
  return {};
}

Tracer& Follower::first() { return *spare_.back(); }

std::string Follower::seize(pid_t first) {
  if (::ptrace(PTRACE_SEIZE, first, nullptr, kOptions) != 0) {
    return std::string("cannot follow the command: ptrace says ") + std::strerror(errno);
  }
  Task& task = tasks_[first];
  task.number = next_number_++;
  task.tracer = std::move(spare_.back());
  spare_.pop_back();
  announce(first, task, {});
  return {};
}

void Follower::wait_for_exec(pid_t first) {
  for (;;) {
    siginfo_t about{};
    // Its end is left for whoever waits for the command.
    if (::waitid(P_PID, static_cast<id_t>(first), &about, WEXITED | WSTOPPED | WNOWAIT | __WALL) !=
        0)
      return;
    if (about.si_code != CLD_TRAPPED && about.si_code != CLD_STOPPED) return;
    int status = 0;
    if (::waitpid(first, &status, __WALL) != first) return;
    changed(first, status);
    if (status >> 16 == PTRACE_EVENT_EXEC) return;
  }
}

void Follower::announce(pid_t id, Task& task, std::string reason) {
  const std::string status = read_proc(id, "status", 4096);
  channel_.send(FrameType::task,
                encode(lab::TaskHeader{
                    .number = task.number,
                    .id = static_cast<std::uint64_t>(id),
                    .process = field(status, "Tgid"),
                    .parent = task.number == 0 ? 0 : field(status, "PPid"),
                    .capacity = task.tracer == nullptr ? 0 : task.tracer->buffer.size() - 1,
                    .untraced = std::move(reason)}));
}

void Follower::changed(pid_t id, int status) {
  if (WIFSTOPPED(status)) {
    stopped(id, WSTOPSIG(status), status >> 16);
  } else {
    end(id);
  }
}

void Follower::stopped(pid_t id, int signal, int event) {
  switch (event) {
    case PTRACE_EVENT_STOP:
      if (signal == SIGTRAP) {
        const auto known = tasks_.find(id);
        if (known == tasks_.end()) {
          begin(id);
        } else {
          drain(known->second);
        }
        signal = 0;
      } else {
        // Stopped by SIGSTOP and its like: it stays so until SIGCONT.
        ::ptrace(PTRACE_LISTEN, id, nullptr, nullptr);
        return;
      }
      break;
    case PTRACE_EVENT_EXEC: execed(id); [[fallthrough]];
    case PTRACE_EVENT_CLONE:
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK: signal = 0; break;
    default:
      // It may have been borrowed in the midst of that.
      if (signal == (SIGTRAP | 0x80)) signal = 0;
  }
  ::ptrace(PTRACE_CONT, id, nullptr, static_cast<long>(signal));
}

std::unique_ptr<Tracer> Follower::take_tracer(std::string& reason) {
  if (spare_.empty()) {
    const std::uint64_t words = words_that_fit(words_);
    if (words == 0) {
      reason = "there is no memory for its buffer (--buffer)";
      return nullptr;
    }
    auto tracer = std::make_unique<Tracer>();
    reason = tracer->open(words);
    return reason.empty() ? std::move(tracer) : nullptr;
  }
  std::unique_ptr<Tracer> tracer = std::move(spare_.back());
  spare_.pop_back();
  return tracer;
}

void Follower::begin(pid_t id) {
  Task& task = tasks_[id];
  task.number = next_number_++;
  std::string reason;
  // A sandbox would kill it for what we make it do.
  if (field(read_proc(id, "status", 4096), "Seccomp") != 0) reason = "it is in a sandbox (seccomp)";
  if (reason.empty()) task.tracer = take_tracer(reason);
  if (task.tracer != nullptr && !(reason = enable_in(id, *task.tracer)).empty())
    spare_.push_back(std::move(task.tracer));
  announce(id, task, reason);
}

std::string Follower::enable_in(pid_t id, Tracer& tracer) {
  if (listener_ < 0) {
    listener_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    sockaddr_un any{};
    any.sun_family = AF_UNIX;
    socklen_t length = sizeof any.sun_family;
    // The kernel gives it an abstract name that nobody else has.
    if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&any), length) != 0 ||
        ::listen(listener_, 8) != 0) {
      return failure("be given its descriptor", -errno);
    }
    length = sizeof any;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&any), &length);
    address_.assign(reinterpret_cast<const char*>(&any), length);
  }

  BorrowedTask borrowed(id);
  // What recvmsg() is to fill in, in the task's own memory.
  struct Message {
    msghdr header;
    iovec vector;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    char byte;
  };
  static_assert(sizeof(Message) + sizeof(sockaddr_un) <= BorrowedTask::kRoom);
  const std::uint64_t message_at = borrowed.room();
  const std::uint64_t address_at = message_at + sizeof(Message);
  Message message{};
  message.header.msg_iov = reinterpret_cast<iovec*>(message_at + offsetof(Message, vector));
  message.header.msg_iovlen = 1;
  message.header.msg_control = reinterpret_cast<void*>(message_at + offsetof(Message, control));
  message.header.msg_controllen = sizeof message.control;
  message.vector = {reinterpret_cast<void*>(message_at + offsetof(Message, byte)), 1};
  borrowed.put(message_at, &message, sizeof message);
  borrowed.put(address_at, address_.data(), address_.size());

  const long socket = borrowed.call(SYS_socket, {AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0});
  if (socket < 0)
    return borrowed.trouble().empty() ? failure("make a socket", socket) : borrowed.trouble();
  const auto socket_fd = static_cast<std::uint64_t>(socket);
  std::string reason;
  long result = borrowed.call(SYS_connect, {socket_fd, address_at, address_.size()});
  if (result < 0) reason = failure("connect to kcov-agent", result);
  const int peer = result < 0 ? -1 : ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (peer >= 0) {
    Message ours{};
    char byte = 0;
    iovec vector{&byte, 1};
    ours.header.msg_iov = &vector;
    ours.header.msg_iovlen = 1;
    ours.header.msg_control = ours.control;
    ours.header.msg_controllen = sizeof ours.control;
    cmsghdr* const part = CMSG_FIRSTHDR(&ours.header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = tracer.device.fd();
    std::memcpy(CMSG_DATA(part), &fd, sizeof fd);
    (void)!::sendmsg(peer, &ours.header, 0);
    result = borrowed.call(SYS_recvmsg, {socket_fd, message_at, MSG_CMSG_CLOEXEC});
    ::close(peer);
    borrowed.get(message_at, &message, sizeof message);
    const auto* const got = reinterpret_cast<const cmsghdr*>(message.control);
    if (result == 1 && got->cmsg_type == SCM_RIGHTS && got->cmsg_len == CMSG_LEN(sizeof(int))) {
      int theirs = -1;
      std::memcpy(&theirs, CMSG_DATA(got), sizeof theirs);
      const auto kcov_fd = static_cast<std::uint64_t>(theirs);
      result = borrowed.call(SYS_ioctl, {kcov_fd, KCOV_ENABLE, KCOV_TRACE_PC});
      if (result < 0) reason = failure("enable kcov", result);
      (void)borrowed.call(SYS_close, {kcov_fd});
    } else {
      reason = failure("receive its descriptor", result < 0 ? result : -EMFILE);
    }
  }
  (void)borrowed.call(SYS_close, {socket_fd});
  if (!borrowed.trouble().empty()) reason = borrowed.trouble();
  // What it did for us is not its own.
  tracer.buffer.reset();
  return reason;
}

void Follower::execed(pid_t id) {
  unsigned long former = 0;
  ::ptrace(PTRACE_GETEVENTMSG, id, nullptr, &former);
  // A thread that execs is the process's first one from then on.
  if (const auto thread = tasks_.find(static_cast<pid_t>(former));
      thread != tasks_.end() && thread->first != id) {
    end(id);
    tasks_[id] = std::move(thread->second);
    tasks_.erase(static_cast<pid_t>(former));
  }
  const auto known = tasks_.find(id);
  if (known == tasks_.end()) return;
  const Task& task = known->second;
  lab::TaskProgram program{.number = task.number, .records = task.records, .arguments = {}};
  if (task.tracer != nullptr) program.records += task.tracer->buffer.pcs().size();
  const std::string line = read_proc(id, "cmdline", kMostArguments);
  for (std::size_t begin = 0; begin < line.size();) {
    const std::size_t end = std::min(line.find('\0', begin), line.size());
    program.arguments.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  channel_.send(FrameType::program, encode(program));
}

void Follower::send_records(std::uint64_t number, std::span<const std::uint64_t> pcs) {
  halves_.resize(pcs.size());
  bool all_fit = true;
  for (std::size_t i = 0; i < pcs.size(); ++i) {
    halves_[i] = static_cast<std::uint32_t>(pcs[i]);
    all_fit &= static_cast<std::uint64_t>(
                   static_cast<std::int64_t>(static_cast<std::int32_t>(halves_[i]))) == pcs[i];
  }
  const auto bytes_of = [](const auto& values) {
    return std::string_view(reinterpret_cast<const char*>(values.data()),
                            values.size() * sizeof values[0]);
  };
  const std::string head = lab::Encoder().integer(number).integer(all_fit ? 4 : 8).take();
  channel_.send(FrameType::records, head, all_fit ? bytes_of(halves_) : bytes_of(pcs));
}

void Follower::drain(Task& task) {
  task.asked = false;
  if (task.tracer == nullptr) return;
  const auto pcs = task.tracer->buffer.pcs();
  constexpr std::size_t kChunk = 32768;
  for (std::size_t begin = 0; begin < pcs.size(); begin += kChunk)
    send_records(task.number, pcs.subspan(begin, std::min(kChunk, pcs.size() - begin)));
  task.records += pcs.size();
  task.was_full = task.was_full || task.tracer->buffer.full();
  task.tracer->buffer.reset();
}

void Follower::end(pid_t id) {
  const auto known = tasks_.find(id);
  if (known == tasks_.end()) return;
  Task task = std::move(known->second);
  tasks_.erase(known);
  drain(task);
  lab::TaskEnd end{.number = task.number, .records = task.records, .was_full = task.was_full};
  if (task.tracer != nullptr) {
    std::uint64_t dropped = 0;
    end.dropped_known = !task.tracer->device.dropped(dropped);
    end.dropped = dropped - task.tracer->dropped_before;
    task.tracer->dropped_before = dropped;
    spare_.push_back(std::move(task.tracer));
  }
  channel_.send(FrameType::task_end, encode(end));
}

void Follower::look_at_buffers() {
  for (auto& [id, task] : tasks_) {
    if (task.tracer == nullptr || task.asked) continue;
    if (task.tracer->buffer.count() < task.tracer->buffer.size() / 2) continue;
    task.asked = ::ptrace(PTRACE_INTERRUPT, id, nullptr, nullptr) == 0;
  }
}

void Follower::finish(bool killed) {
  if (!killed) {
    // Who cannot be asked is ending.
    for (auto known = tasks_.begin(); known != tasks_.end();) {
      const pid_t id = (known++)->first;
      if (::ptrace(PTRACE_INTERRUPT, id, nullptr, nullptr) != 0) end(id);
    }
  }
  while (!tasks_.empty()) {
    int status = 0;
    const pid_t id = ::waitpid(-1, &status, __WALL);
    if (id < 0 && errno == EINTR) continue;
    if (id < 0) break;
    end(id);
    if (WIFSTOPPED(status)) ::ptrace(PTRACE_DETACH, id, nullptr, nullptr);
  }
  while (!tasks_.empty()) end(tasks_.begin()->first);
}

}  // namespace kcov::agent
