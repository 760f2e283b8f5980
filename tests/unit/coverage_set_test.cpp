// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What recordings reached together, in memory and on disk.
#include "coverage/coverage_set.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>

#include "coverage/merged_file.hpp"
#include "coverage/recording_file.hpp"
#include "support/files.hpp"

namespace kcov::coverage {
namespace {

namespace fs = std::filesystem;
using Numbers = std::vector<std::uint32_t>;

Numbers numbers_of(const CoverageSet::Pcs& pcs) { return {pcs.begin(), pcs.end()}; }

// A task that reached these PCs in a call of that name, and one PC that is the tracer's.
Recording recording_of(const std::string& call, const std::vector<std::uint64_t>& pcs) {
  Recording recording;
  recording.command = {"cat", "a\xff"};
  recording.status = 3;
  recording.machine = "um, our kcov";
  recording.release = "6.12.1";
  recording.build_id = "abcd";
  const auto names = std::make_shared<symbol::Names>();
  recording.locations.adopt(names);
  recording.locations.push_back({.pc = 0xdead});
  Task& task = recording.tasks.emplace_back();
  task.id = 18;
  task.process = 17;
  task.programs = {{0, {"sh"}}, {1, {"cat", "a"}}};
  task.records = {0};
  for (const std::uint64_t pc : pcs) {
    task.records.push_back(static_cast<std::uint32_t>(recording.locations.size()));
    recording.locations.push_back({.pc = pc,
                                   .symbol = names->keep("vfs_" + call),
                                   .symbol_offset = pc,
                                   .frames = names->keep(std::vector<symbol::Frame>{
                                       {names->keep("vfs_" + call), "fs/a.c", 7, false}})});
  }
  const auto end = static_cast<std::uint32_t>(task.records.size());
  task.entries = {{EntryKind::tracer, "(tracer)", {{0, 1}}},
                  {EntryKind::system_call, call, {{1, end}}}};
  return recording;
}

TEST(CoverageSet, PCs_know_the_runs_tasks_and_calls_that_reached_them) {
  Merger merger;
  ASSERT_TRUE(merger.add(recording_of("read", {0x10, 0x20, 0x10}), "one.kcov"));
  Recording second = recording_of("write", {0x20, 0x30});
  second.tasks[0].dropped = 5;
  EXPECT_EQ(merger.new_locations(second), (Numbers{0, 2})) << "the tracer's, and 0x30";
  ASSERT_TRUE(merger.add(second, "two.kcov"));
  const CoverageSet set = merger.take();
  ASSERT_EQ(set.locations.size(), 3u) << "without the tracer's";
  EXPECT_EQ(set.locations[2].pc, 0x30u);
  EXPECT_EQ(set.locations[2].frames[0].function, "vfs_write");
  EXPECT_EQ(set.hits, (std::vector<std::uint64_t>{2, 2, 1}));
  ASSERT_EQ(set.calls.size(), 2u);
  EXPECT_EQ(set.calls[0].name, "read");
  EXPECT_EQ(numbers_of(set.calls[0].pcs), (Numbers{0, 1}));
  EXPECT_EQ(numbers_of(set.calls[1].pcs), (Numbers{1, 2}));
  ASSERT_EQ(set.runs.size(), 2u);
  EXPECT_EQ(set.runs[0].name, "one.kcov");
  EXPECT_EQ(set.runs[0].tasks[0].program, "cat a");
  EXPECT_EQ(numbers_of(set.runs[0].pcs()), (Numbers{0, 1}));
  EXPECT_FALSE(set.runs[0].is_cut_off);
  EXPECT_TRUE(set.runs[1].is_cut_off);
  EXPECT_EQ(numbers_of(set.runs[1].tasks[0].pcs), (Numbers{1, 2}));
}

TEST(CoverageSet, sets_are_put_together_as_recordings_are) {
  const Recording one = recording_of("read", {0x10, 0x20});
  const Recording two = recording_of("write", {0x30, 0x20});
  Merger both;
  ASSERT_TRUE(both.add(one, "1"));
  ASSERT_TRUE(both.add(two, "2"));
  const CoverageSet expected = both.take();
  Merger first;
  ASSERT_TRUE(first.add(one, "1"));
  Merger second;
  ASSERT_TRUE(second.add(two, "2"));
  Merger sets;
  ASSERT_TRUE(sets.add(first.take(), "first"));
  ASSERT_TRUE(sets.add(second.take(), "second"));
  const CoverageSet found = sets.take();
  EXPECT_EQ(found.hits, expected.hits);
  ASSERT_EQ(found.runs.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(found.runs[i].name, expected.runs[i].name);
    EXPECT_EQ(found.runs[i].tasks[0].pcs, expected.runs[i].tasks[0].pcs);
    EXPECT_EQ(found.calls[i].pcs, expected.calls[i].pcs);
  }
}

TEST(CoverageSet, kernels_are_not_mixed) {
  Merger merger;
  ASSERT_TRUE(merger.add(recording_of("read", {0x10}), "one"));
  Recording other = recording_of("read", {0x10});
  other.build_id = "ef01";
  const Status mixed = merger.add(other, "two");
  ASSERT_FALSE(mixed);
  EXPECT_EQ(mixed.error().message,
            "cannot put one and two together: they are of different kernels (Linux 6.12.1, "
            "build-id abcd; Linux 6.12.1, build-id ef01), in which a PC is not the same place");
}

class MergedFile : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<TemporaryDirectory> made = TemporaryDirectory::create(fs::temp_directory_path(), "kcov");
    ASSERT_TRUE(made);
    scratch_ = std::make_unique<TemporaryDirectory>(*std::move(made));
    path_ = scratch_->path() / "all.kcov";
    Merger merger;
    ASSERT_TRUE(merger.add(recording_of("read", {0x10, 0xffffffff81000020}), "one.kcov"));
    ASSERT_TRUE(merger.add(recording_of("write", {0x30, 0x10}), "two.kcov"));
    set_ = merger.take();
  }
  void change(const char* sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(SQLITE_OK, sqlite3_open(path_.c_str(), &database));
    EXPECT_EQ(SQLITE_OK, sqlite3_exec(database, sql, nullptr, nullptr, nullptr)) << sql;
    sqlite3_close(database);
  }
  std::string error_after(const char* sql) {
    EXPECT_TRUE(write_merged(path_, set_));
    change(sql);
    const Result<CoverageSet> read = read_merged(path_);
    return read ? "" : read.error().message.substr(read.error().message.rfind(": ") + 2);
  }

  std::unique_ptr<TemporaryDirectory> scratch_;
  std::string path_;
  CoverageSet set_;
};

TEST_F(MergedFile, what_was_written_is_read) {
  ASSERT_TRUE(write_merged(path_, set_));
  EXPECT_TRUE(is_merged(path_));
  const Result<CoverageSet> read = read_merged(path_);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->machine, set_.machine);
  EXPECT_EQ(read->release, set_.release);
  EXPECT_EQ(read->build_id, set_.build_id);
  EXPECT_EQ(read->hits, set_.hits);
  ASSERT_EQ(read->locations.size(), set_.locations.size());
  for (std::size_t i = 0; i < set_.locations.size(); ++i)
    EXPECT_EQ(read->locations[i], set_.locations[i]);
  ASSERT_EQ(read->runs.size(), 2u);
  ASSERT_EQ(read->calls.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read->runs[i].name, set_.runs[i].name);
    EXPECT_EQ(read->runs[i].command, set_.runs[i].command);
    EXPECT_EQ(read->runs[i].status, set_.runs[i].status);
    EXPECT_EQ(read->runs[i].is_cut_off, set_.runs[i].is_cut_off);
    ASSERT_EQ(read->runs[i].tasks.size(), 1u);
    EXPECT_EQ(read->runs[i].tasks[0].id, 18u);
    EXPECT_EQ(read->runs[i].tasks[0].process, 17u);
    EXPECT_EQ(read->runs[i].tasks[0].program, "cat a");
    EXPECT_EQ(read->runs[i].tasks[0].pcs, set_.runs[i].tasks[0].pcs);
    EXPECT_EQ(read->calls[i].kind, EntryKind::system_call);
    EXPECT_EQ(read->calls[i].name, set_.calls[i].name);
    EXPECT_EQ(read->calls[i].pcs, set_.calls[i].pcs);
  }
  for (const auto& entry : fs::directory_iterator(scratch_->path()))
    EXPECT_EQ(entry.path(), path_) << "nothing else is left";
}

TEST_F(MergedFile, a_recording_is_none) {
  ASSERT_TRUE(write_recording(path_, recording_of("read", {0x10})));
  EXPECT_FALSE(is_merged(path_));
  EXPECT_FALSE(is_merged(scratch_->path() / "none"));
  const Result<CoverageSet> read = read_merged(path_);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "cannot read the recording " + path_ +
                                      ": it is a recording of one run, and no merged one");
}

TEST_F(MergedFile, a_merged_file_is_no_recording) {
  ASSERT_TRUE(write_merged(path_, set_));
  const Result<Recording> read = read_recording(path_);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message,
            "cannot read the recording " + path_ +
                ": it is merged of several runs; report, export, diff and merge read it");
}

TEST_F(MergedFile, damage_is_told) {
  EXPECT_EQ(error_after("DELETE FROM hits"), "it is damaged (table hits)");
  EXPECT_EQ(error_after("UPDATE hits SET first = 1"), "it is damaged (table hits)");
  EXPECT_EQ(error_after("UPDATE hits SET data = x'00'"), "it is damaged (table hits)");
  EXPECT_EQ(error_after("UPDATE hits SET count = count + 1"), "it is damaged (table hits)");
  EXPECT_EQ(error_after("UPDATE runs SET number = 7 WHERE number = 1"),
            "it is damaged (table runs)");
  EXPECT_EQ(error_after("UPDATE tasks SET run = 7"), "it is damaged (table tasks)");
  EXPECT_EQ(error_after("UPDATE tasks SET run = -1"), "it is damaged (table tasks)");
  EXPECT_EQ(error_after("UPDATE tasks SET count = 1 << 40"), "it is damaged (table tasks)");
  EXPECT_EQ(error_after("UPDATE tasks SET pcs = NULL"), "it is damaged (table tasks)");
  // More numbers than the bytes hold, and more than there are PCs.
  EXPECT_EQ(error_after("UPDATE reached_by SET count = 3"), "it is damaged (table reached_by)");
  EXPECT_EQ(error_after("UPDATE pcs SET count = 2"), "it is damaged (table pcs)");
  EXPECT_EQ(error_after("DROP TABLE reached_by"), "reached_by");  // "no such table: reached_by"
}

TEST_F(MergedFile, nothing_half_written_stays) {
  const std::string missing = scratch_->path() / "none" / "all.kcov";
  EXPECT_FALSE(write_merged(missing, set_));
  fs::create_directory(path_);
  EXPECT_FALSE(write_merged(path_, set_));
  for (const auto& entry : fs::directory_iterator(scratch_->path()))
    EXPECT_EQ(entry.path(), path_) << "nothing is left";
}

}  // namespace
}  // namespace kcov::coverage
