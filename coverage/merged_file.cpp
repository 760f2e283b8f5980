// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "coverage/merged_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "coverage/database.hpp"
#include "coverage/recording_tables.hpp"
#include "support/files.hpp"

namespace fs = std::filesystem;

namespace kcov::coverage {
namespace {

constexpr const char* kMergedTables = R"(
  CREATE TABLE hits (first INTEGER PRIMARY KEY, count INTEGER, data BLOB);
  CREATE TABLE runs (number INTEGER PRIMARY KEY, name TEXT, command BLOB, status INTEGER,
                     is_cut_off INTEGER);
  CREATE TABLE tasks (number INTEGER PRIMARY KEY, run INTEGER, id INTEGER, process INTEGER,
                      program TEXT, count INTEGER, pcs BLOB);
  CREATE TABLE reached_by (name TEXT PRIMARY KEY, kind TEXT, count INTEGER, pcs BLOB) WITHOUT ROWID;
)";

// Ascending numbers, each less the one before it: what lies close together becomes small.
std::vector<std::uint8_t> differences(const CoverageSet::Pcs& pcs) {
  std::vector<std::uint32_t> numbers(pcs.cardinality());
  pcs.toUint32Array(numbers.data());
  std::adjacent_difference(numbers.begin(), numbers.end(), numbers.begin());
  return compress_numbers(std::span<const std::uint32_t>(numbers));
}

void write(Database& database, const CoverageSet& set) {
  Statement about(database, "INSERT INTO recording VALUES (?, ?)");
  about.run("merged", std::uint64_t{set.runs.size()});
  about.run("machine", set.machine);
  about.run("release", set.release);
  about.run("build-id", set.build_id);
  about.run("unnamed", set.unnamed);
  std::vector<std::uint64_t> pcs;
  for (const symbol::Location& location : set.locations) pcs.push_back(location.pc);
  write_pcs(database, 0, pcs);
  write_names(database, set.locations);
  write_modules(database, set.modules);
  Statement hits(database, "INSERT INTO hits VALUES (?, ?, ?)");
  for (std::size_t begin = 0; begin < set.hits.size(); begin += kMostInRow) {
    const auto row = std::span<const std::uint64_t>(set.hits).subspan(
        begin, std::min(kMostInRow, set.hits.size() - begin));
    hits.run(std::uint64_t{begin}, std::uint64_t{row.size()}, Bytes(compress_numbers(row)));
  }
  Statement insert_run(database, "INSERT INTO runs VALUES (?, ?, ?, ?, ?)");
  Statement insert_task(database, "INSERT INTO tasks VALUES (NULL, ?, ?, ?, ?, ?, ?)");
  std::uint64_t number = 0;
  for (const CoverageSet::Run& run : set.runs) {
    insert_run.run(number, run.name, bytes_of(join(run.command)), run.status, run.is_cut_off);
    for (const CoverageSet::Task& task : run.tasks)
      insert_task.run(number, task.id, task.process, task.program,
                      std::uint64_t{task.pcs.cardinality()}, Bytes(differences(task.pcs)));
    ++number;
  }
  Statement call(database, "INSERT INTO reached_by VALUES (?, ?, ?, ?)");
  for (const CoverageSet::Call& one : set.calls)
    call.run(one.name, name_of(one.kind), std::uint64_t{one.pcs.cardinality()},
             Bytes(differences(one.pcs)));
  database.run("COMMIT");
}

class MergedReader {
 public:
  explicit MergedReader(const std::string& path) : database_(path) {}

  Result<CoverageSet> read() {
    if (open_tables(database_) && read_about() && read_pcs(database_, set_.locations) &&
        read_names(database_, set_.locations)) {
      set_.modules = read_modules(database_);
      read_hits();
      read_runs();
      read_tasks();
      read_calls();
    }
    if (Status good = database_.status("read"); !good) return good.error();
    return std::move(set_);
  }

 private:
  bool read_about() {
    bool merged = false;
    Statement rows(database_, "SELECT key, value FROM recording");
    while (rows.next()) {
      const std::string_view key = rows.text(0);
      if (key == "merged") merged = true;
      if (key == "machine") set_.machine = rows.text(1);
      if (key == "release") set_.release = rows.text(1);
      if (key == "build-id") set_.build_id = rows.text(1);
      if (key == "unnamed") set_.unnamed = rows.text(1);
    }
    if (!merged) database_.fail("it is a recording of one run, and no merged one");
    return !database_.failed();
  }

  void read_hits() {
    Statement rows(database_, "SELECT first, count, data FROM hits ORDER BY first");
    while (rows.next()) {
      if (static_cast<std::uint64_t>(rows.integer(0)) != set_.hits.size() ||
          !decompress_numbers(rows.bytes(2), static_cast<std::uint64_t>(rows.integer(1)),
                              set_.hits))
        return (void)damaged(database_, "hits");
    }
    if (set_.hits.size() != set_.locations.size()) (void)damaged(database_, "hits");
  }

  void read_runs() {
    Statement rows(database_,
                   "SELECT number, name, command, status, is_cut_off FROM runs ORDER BY number");
    while (rows.next()) {
      if (static_cast<std::uint64_t>(rows.integer(0)) != set_.runs.size())
        return (void)damaged(database_, "runs");
      CoverageSet::Run& run = set_.runs.emplace_back();
      run.name = rows.text(1);
      run.command = split(rows.bytes(2));
      if (!rows.is_null(3)) run.status = static_cast<int>(rows.integer(3));
      run.is_cut_off = rows.integer(4) != 0;
    }
  }

  void read_tasks() {
    Statement rows(database_,
                   "SELECT run, id, process, program, count, pcs FROM tasks ORDER BY number");
    while (rows.next()) {
      const auto run = static_cast<std::uint64_t>(rows.integer(0));
      CoverageSet::Pcs pcs;
      if (run >= set_.runs.size() || !read_set(rows, 4, pcs))
        return (void)damaged(database_, "tasks");
      set_.runs[run].tasks.push_back({static_cast<std::uint64_t>(rows.integer(1)),
                                      static_cast<std::uint64_t>(rows.integer(2)),
                                      std::string(rows.text(3)), std::move(pcs)});
    }
  }

  void read_calls() {
    Statement rows(database_, "SELECT name, kind, count, pcs FROM reached_by ORDER BY name");
    while (rows.next()) {
      CoverageSet::Call call{kind_of(rows.text(1)), std::string(rows.text(0)), {}};
      if (!read_set(rows, 2, call.pcs)) return (void)damaged(database_, "reached_by");
      set_.calls.push_back(std::move(call));
    }
  }

  // Of two columns: how many, and their differences.
  bool read_set(Statement& rows, int column, CoverageSet::Pcs& pcs) {
    const auto count = static_cast<std::uint64_t>(rows.integer(column));
    if (count > set_.locations.size()) return false;
    std::vector<std::uint32_t> numbers(count);
    if (!decompress(rows.bytes(column + 1),
                    {reinterpret_cast<std::uint8_t*>(numbers.data()), count * sizeof numbers[0]}))
      return false;
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (i != 0 && numbers[i] == 0) return false;
      number += numbers[i];
      if (number >= set_.locations.size()) return false;
      numbers[i] = static_cast<std::uint32_t>(number);
    }
    pcs = CoverageSet::Pcs(count, numbers.data());
    pcs.runOptimize();
    pcs.shrinkToFit();
    return true;
  }

  Database database_;
  CoverageSet set_;
};

}  // namespace

Status check_merged(const std::string& path) {
  std::error_code error;
  if (fs::exists(path, error) && !fs::is_regular_file(path, error) &&
      !fs::is_directory(path, error))
    return Error{"cannot write " + path + ": it is no regular file"};
  return check_writable(path);
}

Status write_merged(const std::string& name, const CoverageSet& set) {
  const std::string path = without_links(name);
  if (Status possible = check_merged(path); !possible) return possible;
  const fs::path parent = fs::path(path).parent_path();
  const Result<TemporaryDirectory> beside =
      TemporaryDirectory::create(parent.empty() ? "." : parent, ".kcov-merge-");
  if (!beside) return beside.error();
  const std::string unfinished = beside->path() / "merged";
  Status written = [&] {
    Database database(unfinished);
    create_tables(database, kMergedTables);
    write(database, set);
    database.close();
    return database.status("write");
  }();
  // What a killed writer of an earlier recording there has begun is not to be undone in this one.
  if (written) written = remove_journals(path);
  if (written && ::rename(unfinished.c_str(), path.c_str()) != 0)
    written = Error{"cannot write " + path + ": " + errno_text(errno)};
  return written;
}

bool is_merged(const std::string& path) {
  Database database(path);
  if (!open_tables(database)) return false;
  Statement ask(database, "SELECT 1 FROM recording WHERE key = 'merged'");
  return ask.next();
}

Result<CoverageSet> read_merged(const std::string& path) { return MergedReader(path).read(); }

}  // namespace kcov::coverage
