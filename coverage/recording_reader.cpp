// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "coverage/database.hpp"
#include "coverage/recording_file.hpp"
#include "coverage/recording_tables.hpp"

namespace kcov::coverage {
namespace {

// Reads a recording; the first thing that does not hold together ends it.
class Reader {
 public:
  Reader(const std::string& path, Detail detail) : database_(path), detail_(detail) {}

  Result<Recording> read() {
    if (open_tables(database_)) {
      read_about();
      recording_.modules = read_modules(database_);
      (void)read_pcs(database_, recording_.locations);
      if (detail_ == Detail::all) (void)read_names(database_, recording_.locations);
      read_tasks();
      read_programs();
      read_calls();
      read_records();
      read_entries();
    }
    if (Status good = database_.status("read"); !good) return good.error();
    return std::move(recording_);
  }

 private:
  void read_about() {
    Statement rows(database_, "SELECT key, value FROM recording");
    while (rows.next()) {
      const std::string key(rows.text(0));
      if (key == "merged") {
        database_.fail("it is merged of several runs; report, export, diff and merge read it");
      }
      if (key == "command") recording_.command = split(rows.bytes(1));
      if (key == "machine") recording_.machine = rows.text(1);
      if (key == "release") recording_.release = rows.text(1);
      if (key == "build-id") recording_.build_id = rows.text(1);
      if (key == "text-start") recording_.text_start = static_cast<std::uint64_t>(rows.integer(1));
      if (key == "unnamed") recording_.unnamed = rows.text(1);
      if (key == "status") recording_.status = static_cast<int>(rows.integer(1));
    }
  }

  void read_tasks() {
    Statement rows(database_,
                   "SELECT number, id, process, parent, untraced, capacity, ended, was_full, "
                   "dropped FROM tasks ORDER BY number");
    while (rows.next()) {
      if (static_cast<std::uint64_t>(rows.integer(0)) != recording_.tasks.size())
        return (void)damaged(database_, "tasks");
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
      if (of == nullptr) return (void)damaged(database_, "programs");
      of->programs.push_back({static_cast<std::uint64_t>(rows.integer(1)), split(rows.bytes(2))});
    }
  }

  void read_calls() {
    // Older recordings have none.
    if (!has_table(database_, "calls")) return;
    std::unordered_map<std::int64_t, std::pair<Task*, std::size_t>> places;
    Statement rows(database_,
                   "SELECT task, number, records, call, arguments, result FROM calls "
                   "ORDER BY number");
    while (rows.next()) {
      Task* const of = task(rows);
      if (of == nullptr) return (void)damaged(database_, "calls");
      places.try_emplace(rows.integer(1), of, of->calls.size());
      Call& call = of->calls.emplace_back();
      call.records = static_cast<std::uint64_t>(rows.integer(2));
      call.number = static_cast<std::uint64_t>(rows.integer(3));
      call.has_arguments = !rows.is_null(4);
      const Bytes arguments = rows.bytes(4);
      if (call.has_arguments) {
        if (arguments.size() != sizeof call.arguments) return (void)damaged(database_, "calls");
        std::memcpy(call.arguments.data(), arguments.data(), sizeof call.arguments);
      }
      if (!rows.is_null(5)) call.result = rows.integer(5);
    }
    Statement texts(database_, "SELECT call, argument, cut_off, text FROM texts ORDER BY call");
    while (texts.next()) {
      const auto place = places.find(texts.integer(0));
      const std::int64_t argument = texts.integer(1);
      if (place == places.end() || argument < 0 ||
          argument >= static_cast<std::int64_t>(kSystemCallArguments))
        return (void)damaged(database_, "texts");
      const auto& [of, index] = place->second;
      const Bytes bytes = texts.bytes(3);
      of->calls[index].texts.push_back(
          {static_cast<std::uint8_t>(argument), texts.integer(2) != 0,
           std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())});
    }
  }

  void read_records() {
    Statement rows(database_, "SELECT task, first, count, data FROM records ORDER BY task, first");
    while (rows.next()) {
      Task* const of = task(rows);
      if (of == nullptr || static_cast<std::uint64_t>(rows.integer(1)) != of->records.size() ||
          !decompress_numbers(rows.bytes(3), static_cast<std::uint64_t>(rows.integer(2)),
                              of->records))
        return (void)damaged(database_, "records");
    }
    for (const Task& one : recording_.tasks) {
      const auto is_wrong = [&](std::uint32_t pc) { return pc >= recording_.locations.size(); };
      if (std::any_of(one.records.begin(), one.records.end(), is_wrong))
        return (void)damaged(database_, "records");
    }
  }

  void read_entries() {
    Statement rows(database_,
                   "SELECT task, kind, name, first, count, ranges FROM entries "
                   "ORDER BY task, number");
    while (rows.next()) {
      Task* const of = task(rows);
      if (of == nullptr || !read_entry(rows, *of)) return (void)damaged(database_, "entries");
    }
    for (const Task& of : recording_.tasks)
      if (have_common_records(of)) return (void)damaged(database_, "entries");
  }

  static bool have_common_records(const Task& of) {
    std::vector<Range> ranges;
    for (const Entry& entry : of.entries)
      ranges.insert(ranges.end(), entry.ranges.begin(), entry.ranges.end());
    std::sort(ranges.begin(), ranges.end(),
              [](const Range& a, const Range& b) { return a.begin < b.begin; });
    return std::adjacent_find(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
             return b.begin < a.end;
           }) != ranges.end();
  }

  static bool read_entry(Statement& rows, Task& of) {
    Entry& entry = of.entries.emplace_back();
    entry.kind = kind_of(rows.text(1));
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
    if (ranges.size() % sizeof(Range) != 0) return false;
    entry.ranges.resize(ranges.size() / sizeof(Range));
    if (!entry.ranges.empty())
      std::memcpy(entry.ranges.data(), ranges.data(), entry.ranges.size() * sizeof(Range));
    std::uint32_t last = 0;
    for (const Range& range : entry.ranges) {
      if (range.begin < last || range.end <= range.begin || range.end > of.records.size())
        return false;
      last = range.end;
    }
    return entry.record_count() == static_cast<std::uint64_t>(rows.integer(4));
  }

  Database database_;
  Recording recording_;
  Detail detail_;
};

}  // namespace

Result<Recording> read_recording(const std::string& path, Detail detail) {
  return Reader(path, detail).read();
}

Status read_names_of(const std::string& path, std::span<const std::uint32_t> numbers,
                     symbol::Locations& locations) {
  Database database(path);
  if (open_tables(database)) (void)read_names_of(database, numbers, locations);
  return database.status("read");
}

}  // namespace kcov::coverage
