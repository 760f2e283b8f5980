// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/agent/follow.hpp"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "lab/agent/borrowed_task.hpp"
#include "lab/agent/call_again.hpp"
#include "lab/agent/proc.hpp"
#include "support/text.hpp"

namespace kcov::agent {
namespace {

using lab::FrameType;

constexpr long kOptions = PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                          PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
// Arguments of a program that are told: its name, and enough to know it by.
constexpr std::size_t kMostArguments = 4096;
// What is below this, and below half of a buffer, is not worth the way as long as the task runs.
constexpr std::uint64_t kFewRecords = 1 << 14;
// Bytes that wait for the line, where there is memory for them.
constexpr std::uint64_t kMostQueued = 16 << 20;
// Records that are on the line as soon as a ring is made.
constexpr std::uint64_t kWorthRing = 1 << 19;

// Whether no other task can be in the midst of anything in the kernel but a sleep while we run.
bool is_alone_on_the_cpu() {
  utsname names{};
  return ::uname(&names) == 0 && std::strstr(names.version, "PREEMPT") == nullptr &&
         ::sysconf(_SC_NPROCESSORS_CONF) == 1;
}

}  // namespace

rlim_t raise_file_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return before;
}

Follower::Follower(Channel& channel, std::uint64_t words, bool watches_calls, bool owns_machine)
    : channel_(channel),
      words_(words),
      watches_calls_(watches_calls),
      owns_machine_(owns_machine),
      drains_in_place_(owns_machine && is_alone_on_the_cpu()) {
  const auto most = std::min<std::uint64_t>(kMostQueued, memory().available / 32);
  std::function<void()> stop_all;
  // Who records faster than the tool takes it has to wait for us, who have the better nice value.
  // If nobody takes it at all, the tasks are stopped.
  if (drains_in_place_) {
    stop_all = [this] {
      for (auto& [id, task] : tasks_) ask_to_stop(id, task);
    };
  }
  channel_.queue(most, std::move(stop_all));
}

Follower::~Follower() {
  channel_.flush();
  // The machine is switched off next: nothing has to be given back page by page.
  if (owns_machine_)
    for (std::unique_ptr<TaskBuffer>& buffer : spare_) (void)buffer.release();
  if (drains_in_place_) ::setpriority(PRIO_PROCESS, 0, 0);
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
  // The command, which is there already, is not to inherit that. Not a real-time class: whoever
  // wakes us from a stop would record how the others are kept from starving.
  if (drains_in_place_) ::setpriority(PRIO_PROCESS, 0, -20);
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

void Follower::stopped(pid_t id, int signal, int event) {
  const auto known = tasks_.find(id);
  bool may_be_out_of_call = false;
  if (known != tasks_.end()) {
    Task& task = known->second;
    // Any stop will do, and that which it was asked for does not come once there was another;
    // but it may have been in this one already when it was asked.
    const bool may_be_asked = task.asked || task.was_asked;
    task.was_asked = task.asked;
    if (std::exchange(task.asked, false)) drain(task);
    // Out of a call it comes to the stop for that first, where there is one.
    may_be_out_of_call =
        may_be_asked && ((event == PTRACE_EVENT_STOP && signal == SIGTRAP) ||
                         (task.is_watched && event == 0 && signal == kSystemCallStop));
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
      if (signal == kSystemCallStop) {
        // It may have been borrowed in the midst of that.
        signal = 0;
        if (known != tasks_.end() && known->second.is_watched) {
          if (is_to_be_drained(known->second)) drain(known->second);
          tell(known->second.calls.stopped(id, known->second.number,
                                           known->second.records_until_now()));
        }
      }
  }
  if (may_be_out_of_call) make_call_again(id);
  go_on(id, signal);
}

void Follower::go_on(pid_t id, int signal) {
  const auto known = tasks_.find(id);
  const bool is_watched = known != tasks_.end() && known->second.is_watched;
  ::ptrace(is_watched ? PTRACE_SYSCALL : PTRACE_CONT, id, nullptr, static_cast<long>(signal));
}

void Follower::tell(const std::optional<lab::TaskCall>& call) {
  if (call) channel_.send(FrameType::call, encode(*call));
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
    const std::uint64_t words = words_that_fit(words_, tasks_.size() - 1);
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
  task.is_watched = watches_calls_ && task.buffer != nullptr;
  if (has_ended) end(id);
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
  Task& task = known->second;
  task.is_watched = watches_calls_ && task.buffer != nullptr;
  if (task.is_watched) task.calls.execed(id, task.number);
  lab::TaskProgram program{
      .number = task.number, .records = task.records_until_now(), .arguments = {}};
  const std::string line = read_proc(id, "cmdline", kMostArguments);
  for (std::size_t begin = 0; begin < line.size();) {
    const std::size_t end = std::min(line.find('\0', begin), line.size());
    program.arguments.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  channel_.send(FrameType::program, encode(program));
}

void Follower::offer_ring() {
  has_offered_ring_ = true;
  if (!ring_.make()) return;
  channel_.send(FrameType::ring,
                lab::Encoder().integer(ring_.number()[0]).integer(ring_.number()[1]).take());
}

void Follower::send_records(std::uint64_t number, std::span<const std::uint64_t> pcs) {
  sent_records_ += pcs.size();
  // um alone drains in place, and only its memory can be looked through from outside.
  if (drains_in_place_ && !has_offered_ring_ && sent_records_ >= kWorthRing) offer_ring();
  if (ring_.put(pcs)) {
    channel_.send(FrameType::ring_records,
                  lab::Encoder().integer(number).integer(pcs.size()).take());
    return;
  }
  const std::size_t known = pcs_.pcs().size();
  numbers_.clear();
  for (const std::uint64_t pc : pcs) numbers_.push_back(pcs_.number_of(pc));
  const std::span<const std::uint64_t> fresh = std::span(pcs_.pcs()).subspan(known);
  if (!fresh.empty()) {
    channel_.send(FrameType::pcs,
                  {reinterpret_cast<const char*>(fresh.data()), fresh.size_bytes()});
  }
  channel_.send(FrameType::records, encoder_.encode(number, numbers_));
}

bool Follower::is_to_be_drained(const Task& task) const {
  if (task.buffer == nullptr) return false;
  const std::uint64_t half = task.buffer->records.size() / 2;
  return task.buffer->records.count() >= (drains_in_place_ ? std::min(half, kFewRecords) : half);
}

void Follower::drain(Task& task) {
  if (task.buffer == nullptr) return;
  Buffer& records = task.buffer->records;
  // Where it is not stopped it may add to them while we send, and then has the rest of the buffer
  // for that; when that is full, too, nothing is added any more.
  std::uint64_t count = 0;
  std::size_t sent = 0;
  do {
    count = records.count();
    const std::span<const std::uint64_t> pcs = records.pcs();
    for (std::size_t n; sent < pcs.size(); sent += n) {
      n = std::min(lab::kMostRecords, pcs.size() - sent);
      send_records(task.number, pcs.subspan(sent, n));
    }
    task.was_full = task.was_full || records.full();
  } while (drains_in_place_ && !records.reset_from(count));
  if (!drains_in_place_) records.reset();
  task.records += sent;
}

void Follower::end(pid_t id) {
  expected_.erase(id);
  const auto known = tasks_.find(id);
  if (known == tasks_.end()) return;
  Task task = std::move(known->second);
  tasks_.erase(known);
  tell(task.calls.ended());
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

void Follower::pass_on(int signal) const {
  for (const auto& known : tasks_) {
    const pid_t id = known.first;
    const bool is_process =
        field(read_proc(id, "status", kMostStatus), "Tgid") == static_cast<std::uint64_t>(id);
    if (is_process) ::kill(id, signal);
  }
}

void Follower::look_at_buffers() {
  for (auto& [id, task] : tasks_) {
    if (drains_in_place_) {
      if (is_to_be_drained(task)) drain(task);
    } else if (is_to_be_drained(task)) {
      ask_to_stop(id, task);
    }
  }
}

void Follower::ask_to_stop(pid_t id, Task& task) {
  if (!task.asked) task.asked = ::ptrace(PTRACE_INTERRUPT, id, nullptr, nullptr) == 0;
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
