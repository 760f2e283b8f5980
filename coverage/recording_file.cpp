// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "coverage/recording_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "coverage/database.hpp"
#include "support/files.hpp"

namespace kcov::coverage {
namespace {

constexpr int kApplication = 0x6b636f76;  // "kcov"
constexpr int kVersion = 1;
// Numbers in one row, at most; what a reader allows.
constexpr std::size_t kMostInRow = 1 << 18;

constexpr const char* kSchema = R"(
  PRAGMA journal_mode = DELETE;
  PRAGMA synchronous = OFF;
  BEGIN;
  CREATE TABLE recording (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE pcs (first INTEGER PRIMARY KEY, count INTEGER, data BLOB);
  CREATE TABLE locations (pc INTEGER PRIMARY KEY, symbol TEXT, symbol_offset INTEGER,
                          is_call_site INTEGER);
  CREATE TABLE frames (pc INTEGER, depth INTEGER, function TEXT, file TEXT, line INTEGER,
                       inlined INTEGER, PRIMARY KEY (pc, depth)) WITHOUT ROWID;
  CREATE TABLE tasks (number INTEGER PRIMARY KEY, id INTEGER, process INTEGER, parent INTEGER,
                      untraced TEXT, capacity INTEGER, ended INTEGER, was_full INTEGER,
                      dropped INTEGER);
  CREATE TABLE programs (number INTEGER PRIMARY KEY, task INTEGER, records INTEGER,
                         arguments BLOB);
  CREATE TABLE records (task INTEGER, first INTEGER, count INTEGER, data BLOB,
                        PRIMARY KEY (task, first)) WITHOUT ROWID;
  CREATE TABLE entries (task INTEGER, number INTEGER, kind TEXT, name TEXT, first INTEGER,
                        count INTEGER, ranges BLOB, PRIMARY KEY (task, number)) WITHOUT ROWID;
)";

constexpr std::array<std::pair<EntryKind, std::string_view>, 6> kKinds = {{
    {EntryKind::system_call, "system call"},
    {EntryKind::page_fault, "page fault"},
    {EntryKind::trap, "trap"},
    {EntryKind::signal, "signal"},
    {EntryKind::tracer, "tracer"},
    {EntryKind::other, "other"},
}};

// Each argument with a 0 byte behind it, as in /proc/PID/cmdline: any bytes may be in it.
std::string join(const std::vector<std::string>& arguments) {
  std::string joined;
  for (const std::string& argument : arguments) joined += argument + '\0';
  return joined;
}

std::vector<std::string> split(Bytes joined) {
  std::vector<std::string> arguments;
  std::string_view rest(reinterpret_cast<const char*>(joined.data()), joined.size());
  for (std::size_t end; (end = rest.find('\0')) != std::string_view::npos;) {
    arguments.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return arguments;
}

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Numbers, little-endian, as one zstd frame.
template <class T>
std::vector<std::uint8_t> compress(std::span<const T> numbers) {
  std::vector<std::uint8_t> bytes(ZSTD_compressBound(numbers.size_bytes()));
  const std::size_t size =
      ZSTD_compress(bytes.data(), bytes.size(), numbers.data(), numbers.size_bytes(), 1);
  bytes.resize(ZSTD_isError(size) != 0 ? 0 : size);
  return bytes;
}

// Appends `count` numbers to `numbers`; false: there are not just so many.
template <class T>
bool decompress(Bytes bytes, std::uint64_t count, std::vector<T>& numbers) {
  if (count > kMostInRow) return false;
  const std::size_t before = numbers.size();
  numbers.resize(before + count);
  return ZSTD_decompress(&numbers[before], count * sizeof(T), bytes.data(), bytes.size()) ==
         count * sizeof(T);
}

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
  // What a link points to, and not the link.
  std::error_code error;
  std::string path = std::filesystem::weakly_canonical(name, error).string();
  if (error) path = name;
  for (const char* rest : {"", "-journal", "-wal", "-shm"}) {
    if (::unlink((path + rest).c_str()) != 0 && errno != ENOENT)
      return Error{"cannot write the recording " + path + ": " + errno_text(errno)};
  }
  auto database = std::make_unique<Database>(path);
  database->open(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  database->run(
      fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplication, kVersion)
          .c_str());
  database->run(kSchema);
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
    insert.run(std::uint64_t{task}, pending.first, std::uint64_t{row.size()}, Bytes(compress(row)));
    pending.first += row.size();
    rest = rest.subspan(row.size());
  }
  pending.records.clear();
}

void RecordingWriter::write_pcs() {
  Statement insert(*database_, "INSERT INTO pcs VALUES (?, ?, ?)");
  for (std::size_t begin = 0; begin < pcs_.size(); begin += kMostInRow) {
    const auto row = std::span<const std::uint64_t>(pcs_).subspan(
        begin, std::min(kMostInRow, pcs_.size() - begin));
    insert.run(std::uint64_t{first_pc_ + begin}, std::uint64_t{row.size()}, Bytes(compress(row)));
  }
  first_pc_ += pcs_.size();
  pcs_.clear();
}

Status RecordingWriter::end_task(std::size_t number, const Task& task) {
  Statement(*database_, "UPDATE tasks SET ended = 1, was_full = ?, dropped = ? WHERE number = ?")
      .run(task.was_full, task.dropped, std::uint64_t{number});
  return commit(false);
}

Status RecordingWriter::finish(const Recording& recording) {
  Statement set(*database_, "INSERT OR REPLACE INTO recording VALUES (?, ?)");
  set.run("unnamed", recording.unnamed);
  set.run("status", recording.status);
  write_names(recording.locations);
  for (std::size_t task = 0; task < recording.tasks.size(); ++task)
    write_entries(task, recording.tasks[task]);
  return commit(true);
}

void RecordingWriter::write_names(const symbol::Locations& locations) {
  Statement location(*database_, "INSERT INTO locations VALUES (?, ?, ?, ?)");
  Statement frame(*database_, "INSERT INTO frames VALUES (?, ?, ?, ?, ?, ?)");
  for (std::uint64_t pc = 0; pc < locations.size(); ++pc) {
    const symbol::Location& known = locations[pc];
    if (known.symbol.empty() && known.frames.empty()) continue;
    location.run(pc, known.symbol, known.symbol_offset, known.is_call_site);
    std::uint64_t depth = 0;
    for (const symbol::Frame& one : known.frames)
      frame.run(pc, depth++, one.function, one.file, one.line, one.inlined);
  }
}

void RecordingWriter::write_entries(std::size_t task, const Task& recorded) {
  Statement insert(*database_, "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)");
  std::uint64_t number = 0;
  for (const Entry& entry : recorded.entries) {
    std::string_view kind;
    for (const auto& [value, name] : kKinds)
      if (value == entry.kind) kind = name;
    std::optional<Bytes> ranges;
    static_assert(sizeof(Range) == 2 * sizeof(std::uint32_t));
    if (entry.ranges.size() != 1) {
      ranges = Bytes(reinterpret_cast<const std::uint8_t*>(entry.ranges.data()),
                     entry.ranges.size() * sizeof(Range));
    }
    insert.run(std::uint64_t{task}, number++, kind, entry.name,
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
    if (written) written = writer.add_records(i, task.records, pcs);
    if (written && task.ended) written = writer.end_task(i, task);
  }
  return written ? writer.finish(recording) : written;
}

namespace {

// Reads a recording; the first thing that does not hold together ends it.
class Reader {
 public:
  explicit Reader(const std::string& path) : database_(path) {}

  Result<Recording> read() {
    if (::access(database_.path().c_str(), R_OK) != 0) {
      database_.fail(errno_text(errno));
    } else {
      // What a killed writer has begun is undone, if that is allowed.
      const bool writable = ::access(database_.path().c_str(), W_OK) == 0;
      database_.open(writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
      if (check_kind()) {
        read_about();
        read_pcs();
        read_names();
        read_tasks();
        read_programs();
        read_records();
        read_entries();
      }
    }
    if (Status good = database_.status("read"); !good) return good.error();
    return std::move(recording_);
  }

 private:
  void damaged(const char* where) {
    database_.fail(fmt::format("it is damaged (table {})", where));
  }

  bool check_kind() {
    const auto number = [&](const char* pragma) {
      Statement ask(database_, pragma);
      return ask.next() ? ask.integer(0) : -1;
    };
    const std::int64_t application = number("PRAGMA application_id");
    const std::int64_t version = number("PRAGMA user_version");
    if (database_.failed()) return false;
    if (application != kApplication) database_.fail("it is no recording of kcovtool's");
    if (version > kVersion) database_.fail("it was made by a newer kcovtool");
    return !database_.failed();
  }

  void read_about() {
    Statement rows(database_, "SELECT key, value FROM recording");
    while (rows.next()) {
      const std::string key(rows.text(0));
      if (key == "command") recording_.command = split(rows.bytes(1));
      if (key == "machine") recording_.machine = rows.text(1);
      if (key == "release") recording_.release = rows.text(1);
      if (key == "build-id") recording_.build_id = rows.text(1);
      if (key == "unnamed") recording_.unnamed = rows.text(1);
      if (key == "status") recording_.status = static_cast<int>(rows.integer(1));
    }
    recording_.locations.adopt(names_);
  }

  void read_pcs() {
    std::vector<std::uint64_t> pcs;
    Statement rows(database_, "SELECT first, count, data FROM pcs ORDER BY first");
    while (rows.next()) {
      if (static_cast<std::uint64_t>(rows.integer(0)) != pcs.size() ||
          !decompress(rows.bytes(2), static_cast<std::uint64_t>(rows.integer(1)), pcs))
        return damaged("pcs");
    }
    for (const std::uint64_t pc : pcs) recording_.locations.push_back({.pc = pc});
  }

  // The location that a column names, or null.
  symbol::Location* location(Statement& rows, int column) {
    const auto number = static_cast<std::uint64_t>(rows.integer(column));
    return number < recording_.locations.size() ? &recording_.locations[number] : nullptr;
  }

  void read_names() {
    Statement symbols(database_, "SELECT pc, symbol, symbol_offset, is_call_site FROM locations");
    while (symbols.next()) {
      symbol::Location* const named = location(symbols, 0);
      if (named == nullptr) return damaged("locations");
      named->symbol = names_->keep(symbols.text(1));
      named->symbol_offset = static_cast<std::uint64_t>(symbols.integer(2));
      named->is_call_site = symbols.integer(3) != 0;
    }
    Statement rows(database_,
                   "SELECT pc, function, file, line, inlined FROM frames ORDER BY pc, depth");
    std::vector<symbol::Frame> frames;
    symbol::Location* of = nullptr;
    const auto keep = [&] {
      if (of != nullptr) of->frames = names_->keep(frames);
      frames.clear();
    };
    while (rows.next()) {
      symbol::Location* const named = location(rows, 0);
      if (named == nullptr) return damaged("frames");
      if (named != of) keep();
      of = named;
      frames.push_back({names_->keep(rows.text(1)), names_->keep(rows.text(2)),
                        static_cast<int>(rows.integer(3)), rows.integer(4) != 0});
    }
    keep();
  }

  void read_tasks() {
    Statement rows(database_,
                   "SELECT number, id, process, parent, untraced, capacity, ended, was_full, "
                   "dropped FROM tasks ORDER BY number");
    while (rows.next()) {
      if (static_cast<std::uint64_t>(rows.integer(0)) != recording_.tasks.size())
        return damaged("tasks");
      Task& task = recording_.tasks.emplace_back();
      task.id = static_cast<std::uint64_t>(rows.integer(1));
      task.process = static_cast<std::uint64_t>(rows.integer(2));
      task.parent = static_cast<std::uint64_t>(rows.integer(3));
      task.untraced = rows.text(4);
      task.capacity = static_cast<std::uint64_t>(rows.integer(5));
      task.ended = rows.integer(6) != 0;
      task.was_full = rows.integer(7) != 0;
      if (!rows.is_null(8)) task.dropped = static_cast<std::uint64_t>(rows.integer(8));
    }
  }

  Task* task(Statement& rows) {
    const auto number = static_cast<std::uint64_t>(rows.integer(0));
    return number < recording_.tasks.size() ? &recording_.tasks[number] : nullptr;
  }

  void read_programs() {
    Statement rows(database_, "SELECT task, records, arguments FROM programs ORDER BY number");
    while (rows.next()) {
      Task* const of = task(rows);
      if (of == nullptr) return damaged("programs");
      of->programs.push_back({static_cast<std::uint64_t>(rows.integer(1)), split(rows.bytes(2))});
    }
  }

  void read_records() {
    Statement rows(database_, "SELECT task, first, count, data FROM records ORDER BY task, first");
    while (rows.next()) {
      Task* const of = task(rows);
      if (of == nullptr || static_cast<std::uint64_t>(rows.integer(1)) != of->records.size() ||
          !decompress(rows.bytes(3), static_cast<std::uint64_t>(rows.integer(2)), of->records))
        return damaged("records");
    }
    for (const Task& one : recording_.tasks) {
      const auto is_wrong = [&](std::uint32_t pc) { return pc >= recording_.locations.size(); };
      if (std::any_of(one.records.begin(), one.records.end(), is_wrong)) return damaged("records");
    }
  }

  void read_entries() {
    Statement rows(database_,
                   "SELECT task, kind, name, first, count, ranges FROM entries "
                   "ORDER BY task, number");
    while (rows.next()) {
      Task* const of = task(rows);
      if (of == nullptr || !read_entry(rows, *of)) return damaged("entries");
    }
  }

  static bool read_entry(Statement& rows, Task& of) {
    Entry& entry = of.entries.emplace_back();
    const std::string_view kind = rows.text(1);
    for (const auto& [value, name] : kKinds)
      if (name == kind) entry.kind = value;
    entry.name = rows.text(2);
    const Bytes ranges = rows.bytes(5);
    if (rows.is_null(5)) {
      const auto first = static_cast<std::uint64_t>(rows.integer(3));
      const auto count = static_cast<std::uint64_t>(rows.integer(4));
      if (first > of.records.size() || count > of.records.size() - first) return false;
      if (count != 0) {
        entry.ranges.push_back(
            {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(first + count)});
      }
      return true;
    }
    entry.ranges.resize(ranges.size() / sizeof(Range));
    if (!entry.ranges.empty())
      std::memcpy(entry.ranges.data(), ranges.data(), entry.ranges.size() * sizeof(Range));
    std::uint32_t last = 0;
    for (const Range& range : entry.ranges) {
      if (range.begin < last || range.end <= range.begin || range.end > of.records.size())
        return false;
      last = range.end;
    }
    return true;
  }

  Database database_;
  Recording recording_;
  std::shared_ptr<symbol::Names> names_ = std::make_shared<symbol::Names>();
};

}  // namespace

Result<Recording> read_recording(const std::string& path) { return Reader(path).read(); }

}  // namespace kcov::coverage
