// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "coverage/database.hpp"
#include "coverage/recording_file.hpp"
#include "coverage/recording_tables.hpp"
#include "support/files.hpp"

namespace kcov::coverage {
namespace {

constexpr const char* kTables = R"(
  CREATE TABLE tasks (number INTEGER PRIMARY KEY, id INTEGER, process INTEGER, parent INTEGER,
                      untraced TEXT, capacity INTEGER, ended INTEGER, was_full INTEGER,
                      dropped INTEGER);
  CREATE TABLE programs (number INTEGER PRIMARY KEY, task INTEGER, records INTEGER,
                         arguments BLOB);
  CREATE TABLE calls (number INTEGER PRIMARY KEY, task INTEGER, records INTEGER, call INTEGER,
                      arguments BLOB, result INTEGER);
  CREATE TABLE texts (call INTEGER, argument INTEGER, cut_off INTEGER, text BLOB,
                      PRIMARY KEY (call, argument)) WITHOUT ROWID;
  CREATE TABLE records (task INTEGER, first INTEGER, count INTEGER, data BLOB,
                        PRIMARY KEY (task, first)) WITHOUT ROWID;
  CREATE TABLE entries (task INTEGER, number INTEGER, kind TEXT, name TEXT, first INTEGER,
                        count INTEGER, ranges BLOB, PRIMARY KEY (task, number)) WITHOUT ROWID;
)";

}  // namespace

Status RecordingWriter::check(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
    return Error{"cannot write the recording " + path +
                 ": it is no regular file; --text, --raw and --json can be written there"};
  }
  return check_writable(path);
}

Result<std::unique_ptr<RecordingWriter>> RecordingWriter::create(const std::string& name) {
  if (Status possible = check(name); !possible) return possible.error();
  const std::string path = without_links(name);
  if (Status removed = remove_database(path); !removed) return removed.error();
  auto database = std::make_unique<Database>(path);
  create_tables(*database, kTables);
  if (Status made = database->status("write"); !made) return made.error();
  return std::unique_ptr<RecordingWriter>(new RecordingWriter(std::move(database)));
}

RecordingWriter::RecordingWriter(std::unique_ptr<Database> database)
    : database_(std::move(database)) {}

// What is there stays, for a reader who wants to know how far it came.
RecordingWriter::~RecordingWriter() {
  if (database_->handle() != nullptr) (void)commit(true);
}

Status RecordingWriter::begin(const Recording& recording) {
  Statement set(*database_, "INSERT OR REPLACE INTO recording VALUES (?, ?)");
  set.run("command", bytes_of(join(recording.command)));
  set.run("machine", recording.machine);
  set.run("release", recording.release);
  set.run("build-id", recording.build_id);
  return commit(true);
}

Status RecordingWriter::begin_task(std::size_t number, const Task& task) {
  if (pending_.size() <= number) pending_.resize(number + 1);
  Statement(*database_, "INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, 0, 0, NULL)")
      .run(std::uint64_t{number}, task.id, task.process, task.parent, task.untraced, task.capacity);
  return commit(false);
}

Status RecordingWriter::add_program(std::size_t task, const Task::Program& program) {
  Statement(*database_, "INSERT INTO programs VALUES (NULL, ?, ?, ?)")
      .run(std::uint64_t{task}, program.records, bytes_of(join(program.arguments)));
  return commit(false);
}

Status RecordingWriter::add_call(std::size_t task, const Call& call) {
  std::optional<Bytes> arguments;
  if (call.has_arguments) {
    arguments =
        Bytes(reinterpret_cast<const std::uint8_t*>(call.arguments.data()), sizeof call.arguments);
  }
  Statement(*database_, "INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?)")
      .run(++calls_, std::uint64_t{task}, call.records, call.number, arguments, call.result);
  for (const Call::Text& text : call.texts) {
    Statement(*database_, "INSERT INTO texts VALUES (?, ?, ?, ?)")
        .run(calls_, std::uint32_t{text.argument}, text.is_cut_off, bytes_of(text.bytes));
  }
  return commit(false);
}

Status RecordingWriter::add_records(std::size_t task, std::span<const std::uint32_t> records,
                                    std::span<const std::uint64_t> pcs) {
  const std::size_t known = first_pc_ + pcs_.size();
  pcs_.insert(pcs_.end(), pcs.begin() + static_cast<std::ptrdiff_t>(known), pcs.end());
  Pending& pending = pending_[task];
  pending.records.insert(pending.records.end(), records.begin(), records.end());
  if (pending.records.size() >= kMostInRow) write_records(task);
  return commit(false);
}

void RecordingWriter::write_records(std::size_t task) {
  // Each PC before what refers to it.
  write_pcs();
  Pending& pending = pending_[task];
  Statement insert(*database_, "INSERT INTO records VALUES (?, ?, ?, ?)");
  std::span<const std::uint32_t> rest = pending.records;
  while (!rest.empty()) {
    const auto row = rest.first(std::min(rest.size(), kMostInRow));
    insert.run(std::uint64_t{task}, pending.first, std::uint64_t{row.size()},
               Bytes(compress_numbers(row)));
    pending.first += row.size();
    rest = rest.subspan(row.size());
  }
  pending.records.clear();
}

void RecordingWriter::write_pcs() {
  coverage::write_pcs(*database_, first_pc_, pcs_);
  first_pc_ += pcs_.size();
  pcs_.clear();
}

Status RecordingWriter::end_task(std::size_t number, const Task& task) {
  Statement(*database_, "UPDATE tasks SET ended = 1, was_full = ?, dropped = ? WHERE number = ?")
      .run(task.was_full, task.dropped, std::uint64_t{number});
  return commit(false);
}

void RecordingWriter::write_end(const Recording& recording, const std::string& unnamed) {
  Statement set(*database_, "INSERT OR REPLACE INTO recording VALUES (?, ?)");
  set.run("status", recording.status);
  set.run("text-start", recording.text_start);
  set.run("unnamed", unnamed);
  database_->run("DELETE FROM modules");
  write_modules(*database_, recording.modules);
}

Status RecordingWriter::end(const Recording& recording) {
  write_end(recording, "kcovtool was ended before it looked the names up: PCs only");
  return commit(true);
}

void RecordingWriter::add_names(const Recording& recording) {
  // Modules may lie elsewhere now: where PCs have them.
  write_end(recording, recording.unnamed);
  write_names(*database_, recording.locations);
}

Status RecordingWriter::finish(const Recording& recording) {
  for (std::size_t task = 0; task < recording.tasks.size(); ++task)
    write_entries(task, recording.tasks[task]);
  return commit(true);
}

void RecordingWriter::write_entries(std::size_t task, const Task& recorded) {
  Statement insert(*database_, "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)");
  std::uint64_t number = 0;
  for (const Entry& entry : recorded.entries) {
    std::optional<Bytes> ranges;
    static_assert(sizeof(Range) == 2 * sizeof(std::uint32_t));
    if (entry.ranges.size() != 1) {
      ranges = Bytes(reinterpret_cast<const std::uint8_t*>(entry.ranges.data()),
                     entry.ranges.size() * sizeof(Range));
    }
    insert.run(std::uint64_t{task}, number++, name_of(entry.kind), entry.name,
               entry.ranges.empty() ? 0u : entry.first_record(),
               std::uint64_t{entry.record_count()}, ranges);
  }
}

Status RecordingWriter::commit(bool now) {
  constexpr std::chrono::seconds kOften{1};
  const auto time = std::chrono::steady_clock::now();
  if (now || time - last_commit_ >= kOften) {
    for (std::size_t task = 0; task < pending_.size(); ++task) write_records(task);
    write_pcs();
    database_->run("COMMIT; BEGIN");
    last_commit_ = time;
  }
  return database_->status("write");
}

Status write_recording(const std::string& path, const Recording& recording) {
  Result<std::unique_ptr<RecordingWriter>> made = RecordingWriter::create(path);
  if (!made) return made.error();
  RecordingWriter& writer = **made;
  std::vector<std::uint64_t> pcs;
  for (const symbol::Location& location : recording.locations) pcs.push_back(location.pc);
  Status written = writer.begin(recording);
  for (std::size_t i = 0; i < recording.tasks.size() && written; ++i) {
    const Task& task = recording.tasks[i];
    written = writer.begin_task(i, task);
    for (const Task::Program& program : task.programs)
      if (written) written = writer.add_program(i, program);
    for (const Call& call : task.calls)
      if (written) written = writer.add_call(i, call);
    if (written) written = writer.add_records(i, task.records, pcs);
    if (written && task.ended) written = writer.end_task(i, task);
  }
  if (!written) return written;
  writer.add_names(recording);
  return writer.finish(recording);
}

}  // namespace kcov::coverage
