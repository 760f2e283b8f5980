// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The tool's side of running one command on a machine: the handshake, the command's
// standard streams, its trace and its end; and the watch over a machine that hangs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lab/machine.hpp"
#include "lab/protocol.hpp"
#include "lab/task_call.hpp"
#include "support/result.hpp"

namespace kcov::lab {

struct TaskTrace {
  TaskHeader header;
  std::vector<TaskProgram> programs;   // in the order of its execs
  std::vector<TaskCall> calls;         // in order, if they were asked for
  std::vector<std::uint32_t> records;  // in order: numbers of PCs
  TaskEnd end;
  bool has_ended = false;  // nothing is added then
};

struct SessionResult {
  std::string release;   // uname -r
  std::string build_id;  // of the running kernel; may be empty
  Outcome outcome;
  int interruptions = 0;           // of ours (support/interrupt.hpp) that the command was told of
  bool was_killed = false;         // since it had not ended some time after the first
  LoadedModules modules;           // before the command ran, and after it
  std::vector<std::uint64_t> pcs;  // of all tasks, each once
  std::uint64_t ring_records = 0;  // that came through the machine's memory
  std::vector<TaskTrace> tasks;    // in the order in which they were made; empty: not traced
};

// Is told of a trace while it grows, each time after `result` has changed. An error ends the
// session with it.
class SessionObserver {
 public:
  virtual ~SessionObserver() = default;
  // The release and the build-id are known.
  virtual Status started(const SessionResult&) { return {}; }
  // Of result.tasks[task]: it is there; its last program is; its last call is; its last `count`
  // records are; its end is.
  virtual Status task_began(const SessionResult&, std::size_t) { return {}; }
  virtual Status program_began(const SessionResult&, std::size_t) { return {}; }
  virtual Status call_made(const SessionResult&, std::size_t) { return {}; }
  virtual Status recorded(const SessionResult&, std::size_t, std::size_t) { return {}; }
  virtual Status task_ended(const SessionResult&, std::size_t) { return {}; }
  // About a second has passed, with or without news.
  virtual Status second_passed(const SessionResult&) { return {}; }
  // The session ends with an error, and what was told of is gone after this.
  virtual void broken_off() {}
};

struct SessionOptions {
  int input = 0;   // where the command's standard input comes from; -1: it is empty
  int output = 1;  // where its standard output and
  int errors = 2;  // standard error go
  // The terminal's Ctrl-C reaches the command itself; we wait for what it does with it.
  bool command_has_terminal = false;
  // A signal that asks us to end is passed on to a command that runs, and we wait for its end and
  // what it leaves: 5 seconds, or until there is a second, then it is killed. A third ends us.
  // Without this the first does.
  bool passes_signals_on = false;
  // Is told, a second after the first, that the command has so many seconds left. May be null.
  std::function<void(int seconds)> still_runs;
  std::vector<SessionObserver*> observers;
  // A machine that says nothing for so long is taken for dead. While it boots, its kernel's log is
  // what it says, for ten times as long at most.
  int hang_seconds = 30;
};

// Runs it to its end. An Error: the machine did not start, panicked, hung or broke
// off (with the end of its log), or we were interrupted.
Result<SessionResult> run_session(Machine& machine, const Request& request,
                                  const SessionOptions& options);

// A request for `arguments` with our directory and environment. An Error when the directory
// has been removed.
Result<Request> request_for(const std::vector<std::string>& arguments);

}  // namespace kcov::lab
