// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What recordings reached together, in memory and on disk.
#include "coverage/coverage_set.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

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

// The same, in a module that was loaded at `start`; the PCs are given from there.
Recording recording_in_module(const Module& module, std::vector<std::uint64_t> pcs) {
  for (std::uint64_t& pc : pcs) pc += module.start;
  Recording recording = recording_of("ioctl", pcs);
  recording.modules = {module};
  return recording;
}

TEST(CoverageSet, a_module_that_was_loaded_elsewhere_is_the_same) {
  const Module tun{"tun", 0xa000, 0x1000, "1234"};
  Module elsewhere = tun;
  elsewhere.start = 0xb000;
  Recording second = recording_in_module(elsewhere, {0x20, 0x30, 0x1000, 0x1001});
  Merger merger;
  ASSERT_TRUE(merger.move_modules(second, "alone")) << "there is nothing to move it to";
  ASSERT_TRUE(merger.add(recording_in_module(tun, {0x10, 0x20}), "one"));
  ASSERT_TRUE(merger.move_modules(second, "two"));
  EXPECT_EQ(merger.look_up(second).unknown, (Numbers{0, 2, 3, 4}));
  ASSERT_TRUE(merger.add(second, "two"));
  const CoverageSet set = merger.take();
  ASSERT_EQ(set.modules.size(), 1u);
  EXPECT_EQ(set.modules[0].start, 0xa000u);
  std::vector<std::uint64_t> pcs;
  for (const symbol::Location& location : set.locations) pcs.push_back(location.pc);
  EXPECT_EQ(pcs, (std::vector<std::uint64_t>{0xa010, 0xa020, 0xa030, 0xb000, 0xc001}))
      << "the last is behind the module's end";

  CoverageSet later = set;
  later.modules[0].start -= 0x1000;
  for (symbol::Location& location : later.locations) location.pc -= 0x1000;
  ASSERT_TRUE(merger.add(set, "set"));
  ASSERT_TRUE(merger.add(later, "set that was loaded elsewhere"));
  EXPECT_EQ(merger.take().locations.size(), set.locations.size() + 1) << "that behind the end";
}

TEST(CoverageSet, another_module_at_the_same_place_is_refused) {
  const Module tun{"tun", 0xa000, 0x1000, "1234"};
  for (const Module& other :
       {Module{"tun", 0xa800, 0x100, "5678"}, Module{"tap", 0x9001, 0x1000, ""}}) {
    Recording second = recording_in_module(other, {0x10});
    Merger merger;
    ASSERT_TRUE(merger.add(recording_in_module(tun, {0x10}), "one"));
    const Status moved = merger.move_modules(second, "two");
    ASSERT_FALSE(moved);
    EXPECT_EQ(moved.error().message, "cannot put one and two together: the modules " + other.name +
                                         " and tun were loaded to the same place");
    // Where they lie among the PCs is not known.
    second.text_start = 1;
    EXPECT_TRUE(merger.move_modules(second, "two"));
  }
  Recording two = recording_in_module({"tap", 0xb000, 0x1000, "9"}, {0x10, 0x1010});
  two.modules.push_back({"tun", 0xc000, 0x1000, "1234"});
  Merger merger;
  ASSERT_TRUE(merger.add(recording_in_module({"tun", 0xb800, 0x1000, "1234"}, {0x10}), "one"));
  EXPECT_FALSE(merger.move_modules(two, "two")) << "moved, it would lie where the other is";
}

TEST(CoverageSet, a_module_that_was_loaded_twice_is_one) {
  Recording recording =
      recording_in_module({"tun", 0xa000, 0x1000, "1"}, {0x10, 0x20, 0x4010, 0x4030});
  recording.modules.push_back({"tun", 0xe000, 0x1000, "1"});
  recording.modules.push_back({"unused", 0xe800, 0x1000, "2"});
  Merger merger;
  ASSERT_TRUE(merger.move_modules(recording, "one"));
  ASSERT_TRUE(merger.add(recording, "one"));
  const CoverageSet set = merger.take();
  ASSERT_EQ(set.modules.size(), 1u) << "what nobody was in does not matter";
  std::vector<std::uint64_t> pcs;
  for (const symbol::Location& location : set.locations) pcs.push_back(location.pc);
  EXPECT_EQ(pcs, (std::vector<std::uint64_t>{0xa010, 0xa020, 0xa030}));
}

TEST(CoverageSet, programs_are_not_put_together) {
  Recording first = recording_of("main", {0x10});
  first.release = first.build_id = "";
  Recording second = first;
  Merger merger;
  ASSERT_TRUE(merger.add(first, "one"));
  EXPECT_TRUE(merger.add(second, "two"));
  second.command = {"./other"};
  const Status mixed = merger.add(second, "three");
  ASSERT_FALSE(mixed);
  EXPECT_EQ(mixed.error().message,
            "cannot put one and three together: they are of different programs (cat; ./other)");
}

TEST(CoverageSet, modules_are_kept_in_files) {
  const fs::path path = fs::path(::testing::TempDir()) / "modules.kcov";
  Recording recording = recording_in_module({"tun", 0xffffffffa0000000, 0x1000, "1234"}, {0x10});
  recording.text_start = 0xffffffff9b000000;
  ASSERT_TRUE(write_recording(path, recording));
  Result<Recording> read = read_recording(path);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->modules.size(), 1u);
  EXPECT_TRUE(read->modules[0].is_same_as(recording.modules[0]));
  EXPECT_EQ(read->modules[0].start, 0xffffffffa0000000);
  EXPECT_EQ(read->modules[0].size, 0x1000u);
  EXPECT_EQ(read->text_start, 0xffffffff9b000000);
  Merger merger;
  recording.text_start = 0;
  ASSERT_TRUE(merger.add(recording, "one"));
  ASSERT_TRUE(write_merged(path, merger.take()));
  const Result<CoverageSet> merged = read_merged(path);
  ASSERT_TRUE(merged) << merged.error().message;
  ASSERT_EQ(merged->modules.size(), 1u);
  EXPECT_EQ(merged->modules[0].start, 0xffffffffa0000000);
  fs::remove(path);
}

TEST(CoverageSet, PCs_know_the_runs_tasks_and_calls_that_reached_them) {
  Merger merger;
  ASSERT_TRUE(merger.add(recording_of("read", {0x10, 0x20, 0x10}), "one.kcov"));
  Recording second = recording_of("write", {0x20, 0x30});
  second.tasks[0].dropped = 5;
  EXPECT_EQ(merger.look_up(second).unknown, (Numbers{0, 2})) << "the tracer's, and 0x30";
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

TEST_F(MergedFile, what_others_left_beside_it_is_not_lost_and_does_no_harm) {
  // Somebody's file, and what a killed trace to the same file left.
  ASSERT_TRUE(write_file(path_ + ".new", "mine"));
  ASSERT_TRUE(write_file(path_ + "-journal", "of another file"));
  ASSERT_TRUE(write_merged(path_, set_));
  EXPECT_EQ(*read_file(path_ + ".new"), "mine");
  EXPECT_FALSE(fs::exists(path_ + "-journal"));
  EXPECT_TRUE(read_merged(path_));
}

TEST_F(MergedFile, a_link_is_followed_where_it_leads_to_nothing_yet) {
  fs::create_symlink("all-of-them", path_);
  ASSERT_TRUE(write_merged(path_, set_));
  EXPECT_TRUE(fs::is_symlink(path_));
  EXPECT_TRUE(read_merged(scratch_->path() / "all-of-them"));
}

TEST_F(MergedFile, a_pipe_or_a_device_is_not_replaced) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const Status possible = check_merged(path_);
  ASSERT_FALSE(possible);
  EXPECT_EQ(possible.error().message, "cannot write " + path_ + ": it is no regular file");
  EXPECT_FALSE(write_merged(path_, set_));
  EXPECT_TRUE(fs::is_fifo(path_));
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
