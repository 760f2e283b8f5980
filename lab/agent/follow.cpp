// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/agent/follow.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <utility>

#include "lab/agent/borrowed_task.hpp"

namespace kcov::agent {
namespace {

using lab::FrameType;

constexpr long kOptions = PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                          PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
// Of /proc/PID/status: the lines that matter stand behind that of the groups.
constexpr std::size_t kMostStatus = 1 << 16;
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
std::uint64_t field(const std::string& status, const std::string& name, int base = 10) {
  const std::size_t at = status.find("\n" + name + ":");
  return at == std::string::npos ? 0 : std::strtoull(&status[at + name.size() + 2], nullptr, base);
}

// Words of a further buffer: as many as wanted, but no more than a sixteenth of the memory
// that is left, so that many tasks have small ones rather than few of them any; a quarter of
// all memory is the command's. 0: it would be too small to be of use.
std::uint64_t words_that_fit(std::uint64_t wanted) {
  constexpr std::uint64_t kPageWords = 512;
  constexpr std::uint64_t kLeast = 16 * kPageWords;
  // The first line, too, is to be found behind a line's end.
  const std::string memory = "\n" + read_file("/proc/meminfo", 4096);
  const std::uint64_t free = field(memory, "MemAvailable");
  const std::uint64_t kept = field(memory, "MemTotal") / 4;
  const std::uint64_t kib = free > kept ? free - kept : 0;
  const std::uint64_t words = std::min(wanted, kib * 1024 / 16 / sizeof(std::uint64_t));
  return words == wanted ? words : words < kLeast ? 0 : words / kPageWords * kPageWords;
}

std::string failure(const char* what, long result) {
  return std::string("it could not ") + what + ": " + std::strerror(static_cast<int>(-result));
}

}  // namespace

std::string TaskBuffer::open(std::uint64_t words) {
  if (const auto error = device.open()) {
    return "cannot open " + std::string(kDevicePath) + ": " + error.message();
  }
  if (const auto error = device.initialize(words)) {
    return "cannot make a kcov buffer of " + std::to_string(words) + " words: " + error.message();
  }
  if (const auto error = device.map(records)) {
    return "cannot map the kcov buffer: " + error.message();
  }
  return {};
}

rlim_t raise_file_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return before;
}

std::string Follower::prepare() {
  auto buffer = std::make_unique<TaskBuffer>();
  if (std::string error = buffer->open(words_); !error.empty()) return error;
  spare_.push_back(std::move(buffer));
  return {};
}

TaskBuffer& Follower::first() { return *spare_.back(); }

std::string Follower::seize(pid_t first) {
  if (::ptrace(PTRACE_SEIZE, first, nullptr, kOptions) != 0) {
    return std::string("cannot follow the command: ptrace says ") + std::strerror(errno);
  }
  Task& task = tasks_[first];
  task.number = next_number_++;
  task.buffer = std::move(spare_.back());
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
  const std::string status = read_proc(id, "status", kMostStatus);
  channel_.send(FrameType::task,
                encode(lab::TaskHeader{
                    .number = task.number,
                    .id = static_cast<std::uint64_t>(id),
                    .process = field(status, "Tgid"),
                    .parent = task.number == 0 ? 0 : field(status, "PPid"),
                    .capacity = task.buffer == nullptr ? 0 : task.buffer->records.size() - 1,
                    .untraced = std::move(reason)}));
}

void Follower::changed(pid_t id, int status) {
  if (WIFSTOPPED(status)) {
    stopped(id, WSTOPSIG(status), status >> 16);
  } else {
    end(id);
  }
}

namespace {

// The calls that end with EINTR when a task is only asked to stop, and do no harm when they
// are made again. (A timeout then begins anew.)
constexpr long kNotRestarted[] = {SYS_epoll_wait,    SYS_epoll_pwait,    SYS_epoll_pwait2,
                                  SYS_semop,         SYS_semtimedop,     SYS_io_getevents,
                                  SYS_io_pgetevents, SYS_rt_sigtimedwait};
constexpr std::uint64_t kSyscallBytes = 2;

// `task` has come out of a system call because we asked it to stop: back it goes.
void make_call_again(pid_t task) {
  user_regs_struct registers{};
  if (::ptrace(PTRACE_GETREGS, task, nullptr, &registers) != 0 ||
      static_cast<long>(registers.rax) != -EINTR ||
      std::count(std::begin(kNotRestarted), std::end(kNotRestarted),
                 static_cast<long>(registers.orig_rax)) == 0) {
    return;
  }
  // Unless it is a signal that has ended the call.
  const std::string status = read_proc(task, "status", kMostStatus);
  const std::uint64_t pending = field(status, "SigPnd", 16) | field(status, "ShdPnd", 16);
  if ((pending & ~field(status, "SigBlk", 16)) != 0) return;
  registers.rax = registers.orig_rax;
  registers.rip -= kSyscallBytes;
  (void)::ptrace(PTRACE_SETREGS, task, nullptr, &registers);
}

}  // namespace

void Follower::stopped(pid_t id, int signal, int event) {
  const auto known = tasks_.find(id);
  // Any stop will do, and that which it was asked for does not come once there was another.
  if (known != tasks_.end() && known->second.asked) {
    drain(known->second);
    if (event == PTRACE_EVENT_STOP && signal == SIGTRAP) make_call_again(id);
  }
  switch (event) {
    case PTRACE_EVENT_STOP:
      if (signal != SIGTRAP) {
        // Stopped by SIGSTOP and its like: it stays so until SIGCONT.
        ::ptrace(PTRACE_LISTEN, id, nullptr, nullptr);
        return;
      }
      if (known == tasks_.end()) begin(id);
      signal = 0;
      break;
    case PTRACE_EVENT_EXEC:
      execed(id);
      signal = 0;
      break;
    case PTRACE_EVENT_CLONE:
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
      expect_task(id);
      signal = 0;
      break;
    default:
      // It may have been borrowed in the midst of that.
      if (signal == (SIGTRAP | 0x80)) signal = 0;
  }
  ::ptrace(PTRACE_CONT, id, nullptr, static_cast<long>(signal));
}

// `maker` has made a task, which may have stopped before it.
void Follower::expect_task(pid_t maker) {
  unsigned long made = 0;
  if (::ptrace(PTRACE_GETEVENTMSG, maker, nullptr, &made) != 0) return;
  const auto id = static_cast<pid_t>(made);
  if (!tasks_.contains(id)) expected_.insert(id);
}

std::unique_ptr<TaskBuffer> Follower::take_buffer(std::string& reason) {
  if (spare_.empty()) {
    const std::uint64_t words = words_that_fit(words_);
    if (words == 0) {
      reason = "there is no memory for its buffer (--buffer)";
      return nullptr;
    }
    auto buffer = std::make_unique<TaskBuffer>();
    reason = buffer->open(words);
    return reason.empty() ? std::move(buffer) : nullptr;
  }
  std::unique_ptr<TaskBuffer> buffer = std::move(spare_.back());
  spare_.pop_back();
  return buffer;
}

void Follower::begin(pid_t id) {
  expected_.erase(id);
  Task& task = tasks_[id];
  task.number = next_number_++;
  std::string reason;
  bool has_ended = false;
  // A sandbox would kill it for what we make it do.
  if (field(read_proc(id, "status", kMostStatus), "Seccomp") != 0)
    reason = "it is in a sandbox (seccomp)";
  if (reason.empty()) task.buffer = take_buffer(reason);
  if (task.buffer != nullptr) {
    BorrowedTask borrowed(id);
    reason = enable_in(borrowed, *task.buffer);
    has_ended = borrowed.has_ended();
    // What it did for us is not its own.
    task.buffer->records.reset();
    if (!reason.empty()) spare_.push_back(std::move(task.buffer));
  }
  announce(id, task, reason);
  if (has_ended) end(id);
}

namespace {

// What stands behind a descriptor: "socket:[1234]"; empty if nothing does.
std::string file_of(const std::string& process, long fd) {
  char name[128];
  const std::string link = "/proc/" + process + "/fd/" + std::to_string(fd);
  const ssize_t n = ::readlink(link.c_str(), name, sizeof name);
  return n > 0 ? std::string(name, static_cast<std::size_t>(n)) : std::string();
}

// Descriptors that a borrowed task has for us. They are closed at the end, unless another
// thread of its has meanwhile put a file of its own there.
class BorrowedFiles {
 public:
  explicit BorrowedFiles(BorrowedTask& task) : task_(task) {}
  ~BorrowedFiles() {
    for (const auto& [fd, file] : files_) {
      if (file_of(std::to_string(task_.id()), fd) == file)
        (void)task_.call(SYS_close, {static_cast<std::uint64_t>(fd)});
    }
  }
  BorrowedFiles(const BorrowedFiles&) = delete;
  BorrowedFiles& operator=(const BorrowedFiles&) = delete;
  void add(int fd) { files_.emplace_back(fd, file_of(std::to_string(task_.id()), fd)); }
  const std::string& file(std::size_t index) const { return files_[index].second; }

 private:
  BorrowedTask& task_;
  std::vector<std::pair<int, std::string>> files_;
};

// A copy of descriptor `fd` of `task`, or a negative errno. `file`: what it is to be.
int copy_of_descriptor(pid_t task, int fd, const std::string& file) {
  const auto process = static_cast<pid_t>(field(read_proc(task, "status", kMostStatus), "Tgid"));
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
  if (handle < 0) return -errno;
  int copy = static_cast<int>(::syscall(SYS_pidfd_getfd, handle, fd, 0));
  if (copy < 0) copy = -errno;
  ::close(handle);
  // The process's first thread may have files of its own.
  if (copy >= 0 && file_of("self", copy) != file) {
    ::close(copy);
    return -EBADF;
  }
  return copy;
}

bool send_descriptor(int to, int fd) {
  char byte = 0;
  iovec vector{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  cmsghdr* const part = CMSG_FIRSTHDR(&header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(part), &fd, sizeof fd);
  return ::sendmsg(to, &header, MSG_NOSIGNAL) == 1;
}

}  // namespace

std::string Follower::enable_in(BorrowedTask& borrowed, TaskBuffer& buffer) {
  // In the task's own memory: its two sockets, and what recvmsg() is to fill in.
  struct Room {
    int sockets[2];
    msghdr header;
    iovec vector;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    char byte;
  };
  static_assert(sizeof(Room) <= BorrowedTask::kRoom);
  const std::uint64_t at = borrowed.room();
  Room room{};
  room.header.msg_iov = reinterpret_cast<iovec*>(at + offsetof(Room, vector));
  room.header.msg_iovlen = 1;
  room.header.msg_control = reinterpret_cast<void*>(at + offsetof(Room, control));
  room.header.msg_controllen = sizeof room.control;
  room.vector = {reinterpret_cast<void*>(at + offsetof(Room, byte)), 1};
  borrowed.put(at, &room, sizeof room);

  std::string reason;
  {
    BorrowedFiles files(borrowed);
    long result = borrowed.call(SYS_socketpair, {AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, at});
    if (result < 0) {
      reason = failure("make a socket", result);
    } else {
      borrowed.get(at, &room, sizeof room);
      for (const int fd : room.sockets) files.add(fd);
      const int ours = copy_of_descriptor(borrowed.id(), room.sockets[0], files.file(0));
      const bool sent = ours >= 0 && send_descriptor(ours, buffer.device.fd());
      if (!sent) reason = failure("be given its descriptor", ours < 0 ? ours : -errno);
      if (ours >= 0) ::close(ours);
      if (sent) {
        result = borrowed.call(SYS_recvmsg, {static_cast<std::uint64_t>(room.sockets[1]),
                                             at + offsetof(Room, header), MSG_CMSG_CLOEXEC});
        borrowed.get(at, &room, sizeof room);
        const auto* const got = reinterpret_cast<const cmsghdr*>(room.control);
        if (result == 1 && got->cmsg_type == SCM_RIGHTS && got->cmsg_len == CMSG_LEN(sizeof(int))) {
          int theirs = -1;
          std::memcpy(&theirs, CMSG_DATA(got), sizeof theirs);
          files.add(theirs);
          result = borrowed.call(SYS_ioctl,
                                 {static_cast<std::uint64_t>(theirs), KCOV_ENABLE, KCOV_TRACE_PC});
          if (result < 0) reason = failure("enable kcov", result);
        } else {
          reason = failure("receive its descriptor", result < 0 ? result : -EMFILE);
        }
      }
    }
  }
  return borrowed.trouble().empty() ? reason : borrowed.trouble();
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
  if (task.buffer != nullptr) program.records += task.buffer->records.pcs().size();
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
  if (task.buffer == nullptr) return;
  const auto pcs = task.buffer->records.pcs();
  constexpr std::size_t kChunk = 32768;
  for (std::size_t begin = 0; begin < pcs.size(); begin += kChunk)
    send_records(task.number, pcs.subspan(begin, std::min(kChunk, pcs.size() - begin)));
  task.records += pcs.size();
  task.was_full = task.was_full || task.buffer->records.full();
  task.buffer->records.reset();
}

void Follower::end(pid_t id) {
  expected_.erase(id);
  const auto known = tasks_.find(id);
  if (known == tasks_.end()) return;
  Task task = std::move(known->second);
  tasks_.erase(known);
  drain(task);
  lab::TaskEnd end{.number = task.number, .records = task.records, .was_full = task.was_full};
  if (task.buffer != nullptr) {
    std::uint64_t dropped = 0;
    end.dropped_known = !task.buffer->device.dropped(dropped);
    end.dropped = dropped - task.buffer->dropped_before;
    task.buffer->dropped_before = dropped;
    spare_.push_back(std::move(task.buffer));
  }
  channel_.send(FrameType::task_end, encode(end));
}

namespace {

// Of /proc/PID/stat: 'R' runs, 'S' sleeps, 'Z' has ended and is still there.
char state_of(pid_t task) {
  const std::string stat = read_proc(task, "stat", 4096);
  // Behind the name, which may hold anything.
  const std::size_t at = stat.rfind(')');
  return at == std::string::npos || at + 2 >= stat.size() ? 'Z' : stat[at + 2];
}

}  // namespace

void Follower::look_at_buffers() {
  for (auto& [id, task] : tasks_) {
    if (task.buffer == nullptr || task.asked) continue;
    if (task.buffer->records.count() < task.buffer->records.size() / 2) continue;
    task.asked = ::ptrace(PTRACE_INTERRUPT, id, nullptr, nullptr) == 0;
  }
}

void Follower::finish(bool killed) {
  if (!killed) {
    for (auto known = tasks_.begin(); known != tasks_.end();) {
      const pid_t id = (known++)->first;
      // Who cannot be asked is ending; the first thread of a process that goes on without it
      // never stops again.
      if (state_of(id) == 'Z' || ::ptrace(PTRACE_INTERRUPT, id, nullptr, nullptr) != 0) end(id);
    }
  }
  while (!tasks_.empty() || (!killed && !expected_.empty())) {
    int status = 0;
    const pid_t id = ::waitpid(-1, &status, __WALL);
    if (id < 0 && errno == EINTR) continue;
    if (id < 0) break;
    const int event = status >> 16;
    if (WIFSTOPPED(status) &&
        (event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK))
      expect_task(id);
    end(id);
    if (!WIFSTOPPED(status)) continue;
    // A signal that was on its way is delivered.
    const int signal = event == 0 && (WSTOPSIG(status) & 0x80) == 0 ? WSTOPSIG(status) : 0;
    ::ptrace(PTRACE_DETACH, id, nullptr, static_cast<long>(signal));
  }
  while (!tasks_.empty()) end(tasks_.begin()->first);
}

}  // namespace kcov::agent
