// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Follows a command into every thread and process that it starts, and traces each with a
// kcov buffer of its own; the programs have no part in it.
//
// How. ptrace stops each new task before its first instruction. There we make it call,
// in our stead, what gives it a kcov descriptor of ours: socketpair, recvmsg,
// ioctl(KCOV_ENABLE), and close of all three. Its registers, its memory, its signal mask and
// its open files are then as they were, the buffer is emptied, and it goes on. Beyond that it
// stops only when it makes a task or execs (once each), for a signal, and at its end: nothing
// is added to what it executes between its system calls, since it is not stopped there.
//
// Where the tool has asked for the arguments of system calls, tasks stop on their way into each and
// out of it as well (call_watch.hpp), from the command's exec on. What that adds to their traces is
// told apart as that of other stops is.
//
// A thread that is made shares its files with those that run: they can see the three for as
// long as that takes (some 100 us), and get higher numbers for what they open meanwhile.
//
// On a machine with a single CPU, whose kernel is not preempted (um), a task does not run while we
// do, and what it records is whole whenever we look. So its records are taken from under it, a
// hundred times a second, and it does not notice.
//
// Elsewhere a buffer that is half full is drained: the task is asked to stop at its next way out of
// the kernel, and its records are taken. A task that sleeps in the kernel comes out of there, and
// goes back: Linux makes most calls again by itself, and we the others (epoll_wait). One that is in
// the midst of a read may get less than it asked for.
//
// In both what did not fit before we came is counted. What is taken leaves through a ring in the
// machine's memory (ring.hpp), where the tool has found one, or over the line (channel.hpp).
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "lab/agent/call_watch.hpp"
#include "lab/agent/channel.hpp"
#include "lab/agent/ring.hpp"
#include "lab/agent/task_buffer.hpp"
#include "lab/protocol.hpp"
#include "lab/record_frames.hpp"
#include "support/pc_table.hpp"

namespace kcov::agent {

// Room for as many open files as tasks may need; gives back what was the limit before, which
// is the command's.
rlim_t raise_file_limit();

class Follower {
 public:
  // `watches_calls`: whether to tell what system calls were given and answered. `owns_machine`:
  // whether all but the command may wait for us.
  Follower(Channel& channel, std::uint64_t words, bool watches_calls, bool owns_machine);
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  // Makes the first task's descriptor. An empty string, or what failed.
  std::string prepare();
  // What the first task enables by itself, before it execs.
  TaskBuffer& first();
  // Takes hold of the first task, a child of ours that waits for us. Empty, or what failed.
  std::string seize(pid_t first);

  // Waits until that one has execed. It may end instead, and is then still to be waited for.
  void wait_for_exec(pid_t first);

  // Deals with what waitpid() said of `task`: a stop or an end.
  void changed(pid_t task, int status);

  // Sends `signal` to every process that is followed.
  void pass_on(int signal) const;

  // To be called as often: takes records, or asks tasks with full buffers to stop.
  void look_at_buffers();
  int poll_milliseconds() const { return drains_in_place_ ? 1 : 10; }

  // The command has ended, and the records of what still runs are taken: of what has been
  // `killed` when it is dead, else it is let go.
  void finish(bool killed);

 private:
  struct Task {
    std::uint64_t number = 0;  // in the trace
    std::unique_ptr<TaskBuffer> buffer;
    std::uint64_t records = 0;  // that were taken
    bool asked = false;         // to stop, for draining
    bool was_asked = false;     // when it made its last stop
    bool was_full = false;      // at some time
    bool is_watched = false;    // its calls are told
    CallWatch calls;

    std::uint64_t records_until_now() const {
      return records + (buffer == nullptr ? 0 : buffer->records.pcs().size());
    }
  };

  void stopped(pid_t id, int signal, int event);
  void expect_task(pid_t maker);
  void begin(pid_t id);
  void end(pid_t id);
  void execed(pid_t id);
  void announce(pid_t id, Task& task, std::string reason);
  bool is_to_be_drained(const Task& task) const;
  void drain(Task& task);
  void ask_to_stop(pid_t id, Task& task);
  void tell(const std::optional<lab::TaskCall>& call);
  // Lets it run on, to its next stop.
  void go_on(pid_t id, int signal);
  void offer_ring();
  void send_records(std::uint64_t number, std::span<const std::uint64_t> pcs);
  std::unique_ptr<TaskBuffer> take_buffer(std::string& reason);

  Channel& channel_;
  std::uint64_t words_;
  bool watches_calls_;
  bool owns_machine_;
  bool drains_in_place_;
  std::map<pid_t, Task> tasks_;
  std::vector<std::unique_ptr<TaskBuffer>> spare_;
  Ring ring_;
  bool has_offered_ring_ = false;
  std::uint64_t sent_records_ = 0;
  // What goes on the line.
  PcTable pcs_;
  lab::RecordEncoder encoder_;
  std::vector<std::uint32_t> numbers_;  // room for send_records()
  std::uint64_t next_number_ = 0;
  std::set<pid_t> expected_;  // tasks that were made and have not stopped yet
};

}  // namespace kcov::agent
