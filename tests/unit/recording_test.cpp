// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Recordings on disk: what was written is read, also when it was broken off, and damage is told.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "coverage/recording_file.hpp"
#include "support/files.hpp"

namespace kcov::coverage {
namespace {

namespace fs = std::filesystem;

class RecordingFile : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<TemporaryDirectory> made = TemporaryDirectory::create(fs::temp_directory_path(), "kcov");
    ASSERT_TRUE(made);
    scratch_ = std::make_unique<TemporaryDirectory>(*std::move(made));
    path_ = scratch_->path() / "run.kcov";
  }

  static Recording small() {
    Recording recording;
    recording.command = {"sh", "-c", "", "\xff\n"};
    recording.status = 130;
    recording.machine = "um, our kcov";
    recording.release = "6.12.1";
    recording.build_id = "abcd";
    const auto names = std::make_shared<symbol::Names>();
    recording.locations.adopt(names);
    for (const std::uint64_t pc : {0xffffffff81000010ull, 0x20ull, 0x30ull})
      recording.locations.push_back({.pc = pc});
    recording.locations[0].symbol = names->keep("vfs_read");
    recording.locations[0].symbol_offset = 0x10;
    recording.locations[0].is_call_site = true;
    recording.locations[0].frames = names->keep(std::vector<symbol::Frame>{
        {names->keep("inner"), names->keep("fs/a.h"), 3, true, names->keep("fs/a.c")},
        {names->keep("vfs_read"), names->keep("fs/read_write.c"), 451, false}});
    recording.locations[2].symbol = names->keep("asm_entry");
    Task task;
    task.id = 18;
    task.process = 17;
    task.parent = 3;
    task.capacity = 1023;
    task.was_full = true;
    task.dropped = 5;
    task.programs = {{0, {"sh", ""}}, {4, {"ls"}}};
    task.records = {0, 1, 1, 2, 0, 2};
    Call call{.records = 5, .number = 257, .arguments = {~std::uint64_t{99}, 1, 2, 3, 4, 5}};
    call.result = -2;
    call.texts = {{1, true, std::string("\xff\0x", 3)}, {2, false, ""}};
    Call gone{.records = 6, .number = 231};
    gone.has_arguments = false;
    task.calls = {call, gone};
    task.entries = {{EntryKind::system_call, "read", {{0, 2}, {3, 5}}},
                    {EntryKind::page_fault, "page fault", {{2, 3}}},
                    {EntryKind::tracer, "(tracer)", {{5, 6}}},
                    {EntryKind::other, "(before)", {}}};
    recording.tasks.push_back(task);
    Task untraced;
    untraced.id = untraced.process = 20;
    untraced.untraced = "it is in a sandbox";
    recording.tasks.push_back(untraced);
    return recording;
  }

  static void expect_same(const Recording& a, const Recording& b) {
    EXPECT_EQ(a.command, b.command);
    EXPECT_EQ(a.status, b.status);
    EXPECT_EQ(a.machine, b.machine);
    EXPECT_EQ(a.release, b.release);
    EXPECT_EQ(a.build_id, b.build_id);
    EXPECT_EQ(a.unnamed, b.unnamed);
    ASSERT_EQ(a.locations.size(), b.locations.size());
    for (std::size_t i = 0; i < a.locations.size(); ++i) EXPECT_EQ(a.locations[i], b.locations[i]);
    ASSERT_EQ(a.tasks.size(), b.tasks.size());
    for (std::size_t i = 0; i < a.tasks.size(); ++i) {
      const Task& one = a.tasks[i];
      const Task& other = b.tasks[i];
      EXPECT_EQ(one.id, other.id);
      EXPECT_EQ(one.process, other.process);
      EXPECT_EQ(one.parent, other.parent);
      EXPECT_EQ(one.untraced, other.untraced);
      EXPECT_EQ(one.capacity, other.capacity);
      EXPECT_EQ(one.ended, other.ended);
      EXPECT_EQ(one.was_full, other.was_full);
      EXPECT_EQ(one.dropped, other.dropped);
      EXPECT_EQ(one.records, other.records);
      ASSERT_EQ(one.programs.size(), other.programs.size());
      for (std::size_t p = 0; p < one.programs.size(); ++p) {
        EXPECT_EQ(one.programs[p].records, other.programs[p].records);
        EXPECT_EQ(one.programs[p].arguments, other.programs[p].arguments);
      }
      ASSERT_EQ(one.calls.size(), other.calls.size());
      for (std::size_t c = 0; c < one.calls.size(); ++c) {
        const Call& call = one.calls[c];
        EXPECT_EQ(call.records, other.calls[c].records);
        EXPECT_EQ(call.number, other.calls[c].number);
        EXPECT_EQ(call.has_arguments, other.calls[c].has_arguments);
        EXPECT_EQ(call.arguments, other.calls[c].arguments);
        EXPECT_EQ(call.result, other.calls[c].result);
        ASSERT_EQ(call.texts.size(), other.calls[c].texts.size());
        for (std::size_t t = 0; t < call.texts.size(); ++t) {
          EXPECT_EQ(call.texts[t].argument, other.calls[c].texts[t].argument);
          EXPECT_EQ(call.texts[t].is_cut_off, other.calls[c].texts[t].is_cut_off);
          EXPECT_EQ(call.texts[t].bytes, other.calls[c].texts[t].bytes);
        }
      }
      ASSERT_EQ(one.entries.size(), other.entries.size());
      for (std::size_t e = 0; e < one.entries.size(); ++e) {
        EXPECT_EQ(one.entries[e].kind, other.entries[e].kind);
        EXPECT_EQ(one.entries[e].name, other.entries[e].name);
        ASSERT_EQ(one.entries[e].ranges.size(), other.entries[e].ranges.size());
        for (std::size_t r = 0; r < one.entries[e].ranges.size(); ++r) {
          EXPECT_EQ(one.entries[e].ranges[r].begin, other.entries[e].ranges[r].begin);
          EXPECT_EQ(one.entries[e].ranges[r].end, other.entries[e].ranges[r].end);
        }
      }
    }
  }

  std::string error_of(const std::string& path) {
    const Result<Recording> read = read_recording(path);
    return read ? "" : read.error().message;
  }
  void change(const char* sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(SQLITE_OK, sqlite3_open(path_.c_str(), &database));
    EXPECT_EQ(SQLITE_OK, sqlite3_exec(database, sql, nullptr, nullptr, nullptr)) << sql;
    sqlite3_close(database);
  }

  std::unique_ptr<TemporaryDirectory> scratch_;
  fs::path path_;
};

TEST_F(RecordingFile, What_was_written_is_read) {
  const Recording recording = small();
  ASSERT_TRUE(write_recording(path_, recording));
  const Result<Recording> read = read_recording(path_);
  ASSERT_TRUE(read) << read.error().message;
  expect_same(recording, *read);
  for (const auto& entry : fs::directory_iterator(scratch_->path()))
    EXPECT_EQ(entry.path(), path_) << "nothing else is left";
}

TEST_F(RecordingFile, Records_in_pieces_are_one_trace) {
  Recording recording = small();
  recording.tasks.resize(1);
  Task& task = recording.tasks[0];
  task.entries.clear();
  task.records.clear();
  // More than a row of each.
  std::vector<std::uint64_t> pcs;
  recording.locations = {};
  for (std::uint32_t i = 0; i < 600000; ++i) {
    pcs.push_back(0x1000 + i * 16);
    recording.locations.push_back({.pc = pcs.back()});
    task.records.push_back(i);
  }
  Result<std::unique_ptr<RecordingWriter>> writer = RecordingWriter::create(path_);
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->begin(recording));
  ASSERT_TRUE((*writer)->begin_task(0, task));
  for (const Task::Program& program : task.programs)
    ASSERT_TRUE((*writer)->add_program(0, program));
  for (const Call& call : task.calls) ASSERT_TRUE((*writer)->add_call(0, call));
  const std::span<const std::uint32_t> records = task.records;
  for (std::size_t i = 0; i < records.size(); i += 1000) {
    ASSERT_TRUE(
        (*writer)->add_records(0, records.subspan(i, 1000), std::span(pcs).first(i + 1000)));
    if (i == 300000) {
      ASSERT_TRUE((*writer)->flush());
    }
  }
  // Who reads now finds what was flushed.
  const Result<Recording> early = read_recording(path_);
  ASSERT_TRUE(early) << early.error().message;
  EXPECT_FALSE(early->status);
  ASSERT_EQ(early->tasks.size(), 1u);
  EXPECT_FALSE(early->tasks[0].ended);
  EXPECT_GE(early->tasks[0].records.size(), 301000u);
  ASSERT_TRUE((*writer)->end_task(0, task));
  // Ended, it is whole but for its names, which are still to be looked up.
  ASSERT_TRUE((*writer)->end(recording));
  const Result<Recording> ended = read_recording(path_);
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->status, recording.status);
  EXPECT_TRUE(ended->tasks[0].ended);
  EXPECT_EQ(ended->tasks[0].records, task.records);
  EXPECT_NE(ended->unnamed, "");
  (*writer)->add_names(recording);
  ASSERT_TRUE((*writer)->finish(recording));
  const Result<Recording> read = read_recording(path_);
  ASSERT_TRUE(read) << read.error().message;
  expect_same(recording, *read);
}

TEST_F(RecordingFile, One_that_was_broken_off_has_what_came_until_then) {
  const Recording recording = small();
  {
    Result<std::unique_ptr<RecordingWriter>> writer = RecordingWriter::create(path_);
    ASSERT_TRUE(writer);
    ASSERT_TRUE((*writer)->begin(recording));
    ASSERT_TRUE((*writer)->begin_task(0, recording.tasks[0]));
    const std::vector<std::uint64_t> pcs = {0x10, 0x20};
    const std::vector<std::uint32_t> records = {0, 1, 0};
    ASSERT_TRUE((*writer)->add_records(0, records, pcs));
  }
  const Result<Recording> read = read_recording(path_);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(read->status);
  ASSERT_EQ(read->tasks.size(), 1u);
  EXPECT_FALSE(read->tasks[0].ended);
  EXPECT_EQ(read->tasks[0].records, (std::vector<std::uint32_t>{0, 1, 0}));
}

// As `show` does with one that grows: it must end no trace.
TEST_F(RecordingFile, A_reader_makes_the_writer_wait) {
  Result<std::unique_ptr<RecordingWriter>> writer = RecordingWriter::create(path_);
  ASSERT_TRUE(writer) << writer.error().message;
  ASSERT_TRUE((*writer)->begin(small()));
  sqlite3* reader = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &reader), SQLITE_OK);
  ASSERT_EQ(
      sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM recording", nullptr, nullptr, nullptr),
      SQLITE_OK);
  std::jthread leaves([reader] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    sqlite3_exec(reader, "COMMIT", nullptr, nullptr, nullptr);
  });
  ASSERT_TRUE((*writer)->begin_task(0, small().tasks[0]));
  const Status kept = (*writer)->flush();
  EXPECT_TRUE(kept) << kept.error().message;
  leaves.join();
  sqlite3_close(reader);
}

TEST_F(RecordingFile, No_name_in_it_has_control_characters) {
  Recording recording = small();
  const std::string name = "x\nend_of_record\x1b[2J";
  const symbol::Frame frame{name, name, 3, false};
  recording.locations[0].symbol = name;
  recording.locations[0].frames = std::span(&frame, 1);
  ASSERT_TRUE(write_recording(path_, recording));
  const Result<Recording> read = read_recording(path_);
  ASSERT_TRUE(read) << read.error().message;
  const symbol::Location& location = read->locations[0];
  EXPECT_EQ(location.symbol, "x?end_of_record?[2J");
  EXPECT_EQ(location.frames[0].function, "x?end_of_record?[2J");
  EXPECT_EQ(location.frames[0].file, "x?end_of_record?[2J");
}

TEST_F(RecordingFile, What_is_no_recording_is_told) {
  EXPECT_NE(error_of(path_).find("No such file"), std::string::npos);
  std::ofstream(path_) << std::string(5000, 'x');
  EXPECT_NE(error_of(path_).find("it is no recording"), std::string::npos);
  fs::remove(path_);
  change("CREATE TABLE pcs (a)");
  EXPECT_NE(error_of(path_).find("it is no recording of kcovtool's"), std::string::npos);
  fs::remove(path_);
  ASSERT_TRUE(write_recording(path_, small()));
  change("PRAGMA user_version = 3");
  EXPECT_NE(error_of(path_).find("it was made by a newer kcovtool"), std::string::npos);
}

TEST_F(RecordingFile, One_from_before_there_were_calls_is_read) {
  Recording recording = small();
  ASSERT_TRUE(write_recording(path_, recording));
  change("DROP TABLE calls; DROP TABLE texts");
  recording.tasks[0].calls.clear();
  const Result<Recording> read = read_recording(path_);
  ASSERT_TRUE(read) << read.error().message;
  expect_same(recording, *read);
}

TEST_F(RecordingFile, One_from_before_functions_had_files_is_read) {
  Recording recording = small();
  ASSERT_TRUE(write_recording(path_, recording));
  change("ALTER TABLE frames DROP COLUMN declared_in; PRAGMA user_version = 1");
  symbol::Names names;
  std::vector<symbol::Frame> frames(recording.locations[0].frames.begin(),
                                    recording.locations[0].frames.end());
  frames[0].declared_in = {};
  recording.locations[0].frames = names.keep(frames);
  const Result<Recording> read = read_recording(path_);
  ASSERT_TRUE(read) << read.error().message;
  expect_same(recording, *read);
}

TEST_F(RecordingFile, What_does_not_hold_together_is_told) {
  for (const char* lie : {
           "UPDATE pcs SET count = 2",
           "UPDATE pcs SET count = 4",
           "UPDATE pcs SET count = 1000000000000",
           "UPDATE pcs SET count = -1",
           "UPDATE pcs SET first = 1",
           "UPDATE pcs SET data = 'text'",
           "DELETE FROM pcs",
           "UPDATE records SET count = 5",
           "UPDATE records SET first = 1",
           "UPDATE records SET task = 9",
           "UPDATE locations SET pc = 77 WHERE pc = 2",
           "INSERT INTO frames VALUES (-1, 0, 'f', 'f', 1, 0, '')",
           "UPDATE tasks SET number = 5 WHERE number = 1",
           "INSERT INTO programs VALUES (NULL, 2, 0, x'00')",
           "UPDATE calls SET task = 2 WHERE number = 1",
           "UPDATE calls SET arguments = x'00' WHERE number = 1",
           "UPDATE texts SET argument = 6 WHERE argument = 1",
           "UPDATE texts SET argument = -1 WHERE argument = 1",
           "UPDATE texts SET call = 7",
           "DROP TABLE texts",
           "UPDATE entries SET task = 4 WHERE number = 0",
           "UPDATE entries SET first = 6 WHERE number = 1",
           "UPDATE entries SET first = -1 WHERE number = 1",
           "UPDATE entries SET ranges = x'0000000000000000' WHERE number = 0",
           "UPDATE entries SET ranges = x'0100000000000000' WHERE number = 0",
           "UPDATE entries SET ranges = x'0000000007000000' WHERE number = 0",
           "UPDATE entries SET ranges = x'00000000030000000100000004000000' WHERE number = 0",
           "UPDATE entries SET ranges = x'000000000200000003' WHERE number = 0",
           "UPDATE entries SET count = 77777 WHERE number = 0",
           // A record that two entries have.
           "UPDATE entries SET first = 1, count = 2, ranges = NULL WHERE number = 1",
           "DROP TABLE entries",
           "DROP TABLE records; CREATE VIEW records AS SELECT 0 AS task, 0 AS first, 0 AS count, "
           "x'' AS data",
       }) {
    ASSERT_TRUE(write_recording(path_, small()));
    change(lie);
    EXPECT_TRUE(error_of(path_).starts_with("cannot read the recording " + path_.string() + ": "))
        << lie << ": " << error_of(path_);
  }
}

// Any byte may be wrong, and any part missing: an answer or an error, and nothing else.
TEST_F(RecordingFile, A_damaged_file_does_no_harm) {
  ASSERT_TRUE(write_recording(path_, small()));
  std::ifstream in(path_, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  std::size_t refused = 0;
  const auto try_one = [&](const std::string& bytes) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
    const Result<Recording> read = read_recording(path_);
    refused += !read;
    if (!read) return;
    for (const Task& task : read->tasks)
      task.for_each_own_record([&](std::uint32_t pc) { EXPECT_LT(pc, read->locations.size()); });
  };
  for (std::size_t at = 0; at < whole.size(); at += 13) {
    if (whole[at] == 0 && at % 5 != 0) continue;
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ (1 + at % 255));
    try_one(changed);
  }
  for (std::size_t size = 0; size < whole.size(); size += 1021) try_one(whole.substr(0, size));
  EXPECT_GT(refused, 50u);
}

TEST_F(RecordingFile, Where_it_cannot_be_written_that_is_told) {
  const auto error_at = [](const std::string& path) {
    const auto made = RecordingWriter::create(path);
    return made ? "" : made.error().message;
  };
  EXPECT_NE(error_at(scratch_->path()).find("Is a directory"), std::string::npos);
  EXPECT_NE(error_at("/dev/null").find("it is no regular file"), std::string::npos);
  EXPECT_NE(error_at(scratch_->path() / "no" / "where").find("No such file"), std::string::npos);
  // One that is there is replaced.
  std::ofstream(path_) << "old";
  EXPECT_EQ(error_at(path_), "");
  // And a link leads there.
  const fs::path link = scratch_->path() / "link";
  fs::create_symlink(path_, link);
  ASSERT_TRUE(write_recording(link, small()));
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(error_of(path_), "");
}

}  // namespace
}  // namespace kcov::coverage
