// SPDX-License-Identifier: GPL-2.0-only OR MIT
//
// Recordings on disk: an SQLite database, whose tables docs/recording.md documents.
//
// It is written while the command runs, in transactions of about a second: whatever ends the
// tool leaves what was recorded until then.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "coverage/recording.hpp"
#include "support/result.hpp"

struct sqlite3;

namespace kcov::coverage {

class Database;

class RecordingWriter {
 public:
  // Whether create() can be expected to make the file. Leaves it as it is.
  static Status check(const std::string& path);
  // Makes the file, in the place of a recording or any other file of that name. Errors: it
  // cannot be written, or is no regular file.
  static Result<std::unique_ptr<RecordingWriter>> create(const std::string& path);
  ~RecordingWriter();

  // What fails is told by the next call, and by all after it.
  // `recording`: command, machine, release, build-id.
  Status begin(const Recording& recording);
  // `task`: id, process, parent, untraced, capacity. Tasks are numbered from 0 on, as in
  // Recording::tasks.
  Status begin_task(std::size_t task, const Task& header);
  Status add_program(std::size_t task, const Task::Program& program);
  // In the order of their ends.
  Status add_call(std::size_t task, const Call& call);
  // `pcs`: all that there are until now, each at its number.
  Status add_records(std::size_t task, std::span<const std::uint32_t> records,
                     std::span<const std::uint64_t> pcs);
  // `task`: dropped, was_full.
  Status end_task(std::size_t task, const Task& end);
  // What was told until now is in the file.
  Status flush() { return commit(true); }
  // Its status and the modules, as the machine told them. Names take longer.
  Status end(const Recording& recording);
  // The same as they are now, and the names. They are in the file when finish() has been called.
  void add_names(const Recording& recording);
  // The entries: all of it is then in the file.
  Status finish(const Recording& recording);

 private:
  explicit RecordingWriter(std::unique_ptr<Database> database);
  void write_end(const Recording& recording, const std::string& unnamed);
  void write_pcs();
  void write_records(std::size_t task);
  void write_entries(std::size_t number, const Task& task);
  // Ends the transaction when it is old enough, or `now`.
  Status commit(bool now);

  std::unique_ptr<Database> database_;
  std::vector<std::uint64_t> pcs_;  // not written yet
  std::size_t first_pc_ = 0;
  std::uint64_t calls_ = 0;  // that were written
  struct Pending {
    std::uint64_t first = 0;
    std::vector<std::uint32_t> records;
  };
  std::vector<Pending> pending_;  // by task
  std::chrono::steady_clock::time_point last_commit_ = std::chrono::steady_clock::now();
};

// A whole recording at once.
Status write_recording(const std::string& path, const Recording& recording);

// What is read of a recording.
enum class Detail {
  all,
  no_names,  // locations have their PCs only
};

// Errors: the file cannot be read, is no recording, was made by a newer kcovtool, is damaged.
// One that was broken off has no status.
Result<Recording> read_recording(const std::string& path, Detail detail = Detail::all);

// The names of some of its locations, given by their numbers.
Status read_names_of(const std::string& path, std::span<const std::uint32_t> numbers,
                     symbol::Locations& locations);

}  // namespace kcov::coverage
