// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "lab/build.hpp"
#include "lab/kernel.hpp"
#include "lab/source.hpp"
#include "support/command.hpp"
#include "support/files.hpp"
#include "support/interrupt.hpp"
#include "support/text.hpp"

namespace fs = std::filesystem;

namespace kcov {
namespace {

TEST(Text, a_number_of_things) {
  EXPECT_EQ(numbered(1, "task"), "1 task");
  EXPECT_EQ(numbered(0, "task"), "0 tasks");
}

TEST(Text, what_a_terminal_would_act_on_is_escaped) {
  EXPECT_EQ(escaped("a b~\x1b[2J\x7f\n"), "a b~\\x1b[2J\\x7f\\x0a");
  EXPECT_EQ(escaped("say \"\xff\"", "\""), "say \\x22\\xff\\x22");
}

TEST(Text, a_field_is_the_line_that_begins_with_its_name) {
  const std::string_view status = "Name:\tPid: 9\nTgid:\t12\nPid:\t  13\nSigBlk:\t00000000ff";
  EXPECT_EQ(field(status, "Pid"), 13u);
  EXPECT_EQ(field(status, "Tgid"), 12u);
  EXPECT_EQ(field(status, "SigBlk", 16), 255u);
  EXPECT_EQ(field(status, "Name"), 0u);
  EXPECT_EQ(field(status, "Tg"), 0u);
  EXPECT_EQ(field("", "Pid"), 0u);
}

TEST(Files, a_write_that_fails_leaves_nothing_and_says_so) {
  const Status status = write_file("/nonexistent/file", "x");
  ASSERT_FALSE(status);
  EXPECT_EQ(
      status.error().message,
      "cannot write /nonexistent/file: No such file or directory: the directory /nonexistent");
}

TEST(Files, a_file_is_replaced_whole_and_keeps_its_mode) {
  auto directory = TemporaryDirectory::create(testing::TempDir(), "files.");
  ASSERT_TRUE(directory);
  const fs::path path = directory->path() / "file";
  ASSERT_TRUE(write_file(path, "old"));
  fs::permissions(path, fs::perms::owner_all);
  ASSERT_TRUE(write_file(path, "new\n"));
  EXPECT_EQ(*read_file(path), "new\n");
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all);
  // Nothing else is left there.
  EXPECT_EQ(std::distance(fs::directory_iterator(directory->path()), fs::directory_iterator()), 1);
}

TEST(Files, in_dev_shm_are_ordinary_files) {
  auto directory = TemporaryDirectory::create("/dev/shm", "files.");
  if (!directory) GTEST_SKIP() << "no /dev/shm to write to";
  const fs::path path = directory->path() / "file";
  ASSERT_TRUE(write_file(path, "old"));
  ASSERT_TRUE(write_file(path, "new"));
  EXPECT_EQ(*read_file(path), "new");
}

TEST(Files, links_devices_and_pipes_are_written_through) {
  auto directory = TemporaryDirectory::create(testing::TempDir(), "files.");
  ASSERT_TRUE(directory);
  const fs::path link = directory->path() / "link";
  const fs::path target = directory->path() / "target";
  fs::create_symlink("target", link);
  EXPECT_TRUE(check_writable(link)) << "it points to nothing yet";
  ASSERT_TRUE(write_file(link, "through"));
  EXPECT_EQ(*read_file(target), "through");
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_TRUE(check_writable("/dev/null"));
  EXPECT_TRUE(write_file("/dev/null", "x"));
  EXPECT_TRUE(check_writable("/dev/stdout"));
  EXPECT_EQ(check_writable(directory->path()).error().message,
            "cannot write " + directory->path().string() + ": Is a directory");
  EXPECT_EQ(
      check_writable("/nonexistent/file").error().message,
      "cannot write /nonexistent/file: No such file or directory: the directory /nonexistent");
  // Links without an end, a name that is too long, a descriptor that nobody has.
  fs::create_symlink("one", directory->path() / "two");
  fs::create_symlink("two", directory->path() / "one");
  EXPECT_FALSE(check_writable(directory->path() / "one"));
  EXPECT_FALSE(write_file(directory->path() / "one", "x"));
  EXPECT_TRUE(fs::is_symlink(directory->path() / "one"));
  EXPECT_FALSE(check_writable(directory->path() / std::string(256, 'a')));
  EXPECT_FALSE(check_writable("/dev/fd/977"));
  const fs::path longest = directory->path() / std::string(255, 'a');
  EXPECT_TRUE(check_writable(longest));
  EXPECT_TRUE(write_file(longest, "x"));
  // A link to what is open is that, be it a pipe or a file that has no name of its own.
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  fs::remove(link);
  fs::create_symlink("/proc/self/fd/" + std::to_string(ends[1]), link);
  EXPECT_TRUE(check_writable(link));
  EXPECT_TRUE(write_file(link, "pipe"));
  char read[5] = {};
  EXPECT_EQ(::read(ends[0], read, 4), 4);
  EXPECT_STREQ(read, "pipe");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Command, gives_lines_and_the_exit_status) {
  std::vector<std::string> lines;
  const auto status =
      run_command({.arguments = {"sh", "-c", "echo one; echo two >&2; printf $X; exit 9"},
                   .directory = "/",
                   .environment = {"X=three"},
                   .on_line = [&](std::string_view line) { lines.emplace_back(line); }});
  ASSERT_TRUE(status);
  EXPECT_EQ(*status, 9);
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "three"}));
}

TEST(Command, a_signal_is_128_and_its_number) {
  const auto status = run_command(
      {.arguments = {"sh", "-c", "kill -9 $$"}, .directory = {}, .environment = {}, .on_line = {}});
  ASSERT_TRUE(status);
  EXPECT_EQ(*status, 137);
}

// A process of its own, because it is to be killed.
TEST(Command, killed_outright_it_leaves_nothing_running) {
  auto directory = TemporaryDirectory::create(testing::TempDir(), "command.");
  ASSERT_TRUE(directory);
  const fs::path started = directory->path() / "started";
  const fs::path lock = directory->path() / "lock";
  const int fd = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0);
  const pid_t tool = ::fork();
  if (tool == 0) {
    const int held = ::open(lock.c_str(), O_RDWR | O_CLOEXEC);
    if (held < 0 || ::flock(held, LOCK_EX) != 0) ::_exit(1);
    // A grandchild, as make has them.
    (void)run_command(
        {.arguments = {"sh", "-c", "(echo $$ >" + started.string() + "; sleep 1000; true) & wait"},
         .directory = {},
         .environment = {},
         .on_line = {}});
    ::_exit(1);
  }
  const auto pid_in = [](const Result<std::string>& text) {
    return text && text->ends_with('\n') ? std::stoi(*text) : 0;
  };
  for (int i = 0; i < 1000 && pid_in(read_file(started)) == 0; ++i) ::usleep(10000);
  const int group = pid_in(read_file(started));
  ASSERT_GT(group, 1);
  EXPECT_EQ(::kill(-group, 0), 0);
  ::kill(tool, SIGKILL);
  ::waitpid(tool, nullptr, 0);
  // Whoever holds the lock next finds nobody at work.
  EXPECT_EQ(::flock(fd, LOCK_EX), 0);
  EXPECT_NE(::kill(-group, 0), 0);
  ::close(fd);
}

TEST(Command, a_status_that_is_lost_is_an_error) {
  ::signal(SIGCHLD, SIG_IGN);
  const auto status = run_command(
      {.arguments = {"sh", "-c", "exit 3"}, .directory = {}, .environment = {}, .on_line = {}});
  ::signal(SIGCHLD, SIG_DFL);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "cannot tell how sh ended: No child processes");
}

TEST(Files, a_link_is_followed_to_what_is_not_there_yet) {
  auto directory = TemporaryDirectory::create(testing::TempDir(), "files.");
  ASSERT_TRUE(directory);
  fs::create_symlink("second", directory->path() / "first");
  fs::create_symlink(directory->path() / "target", directory->path() / "second");
  ASSERT_TRUE(write_file(directory->path() / "first", "x"));
  EXPECT_TRUE(fs::is_symlink(directory->path() / "first"));
  EXPECT_TRUE(fs::is_symlink(directory->path() / "second"));
  EXPECT_EQ(*read_file(directory->path() / "target"), "x");
}

TEST(Files, an_error_or_an_interrupt_is_not_the_end_of_the_file) {
  const auto text = read_file("/");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().message, "cannot read /: Is a directory");
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ASSERT_EQ(::write(ends[1], "0x1", 3), 3);
  catch_interrupts();
  const pid_t sender = ::fork();
  if (sender == 0) {
    ::usleep(200000);
    ::kill(::getppid(), SIGTERM);
    ::_exit(0);
  }
  const auto part = read_all(ends[0], "the pipe");
  ::waitpid(sender, nullptr, 0);
  EXPECT_FALSE(release_interrupts());
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().message, "interrupted");
  EXPECT_EQ(part.error().exit_code, 128 + SIGTERM);
  // What came before counts as dealt with.
  catch_interrupts();
  EXPECT_TRUE(release_interrupts());
  // What somebody has dealt with does not count either, but what comes behind it does.
  catch_interrupts();
  ::raise(SIGINT);
  ::raise(SIGTERM);
  EXPECT_EQ(interruptions(), 2);
  EXPECT_FALSE(release_interrupts(1));
  EXPECT_EQ(interrupted(), SIGTERM);
  EXPECT_TRUE(release_interrupts(2));
  EXPECT_EQ(interrupted(), 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Source, a_directory_that_is_no_kernel_tree_is_refused) {
  const auto source = lab::find_source("/etc", "6.12");
  ASSERT_FALSE(source);
  EXPECT_EQ(
      source.error().message,
      "cannot use /etc as kernel source: cannot read /etc/Makefile: No such file or directory; "
      "name the top directory of a kernel tree");
}

TEST(Source, a_makefile_says_the_version_on_whatever_line) {
  auto directory = TemporaryDirectory::create(testing::TempDir(), "source.");
  ASSERT_TRUE(directory);
  const fs::path makefile = directory->path() / "Makefile";
  for (const char* text :
       {"VERSION = 6\nPATCHLEVEL = 12\n", "# x\nVERSION=6\nPATCHLEVEL\t= 12\n"}) {
    ASSERT_TRUE(write_file(makefile, text));
    const auto series = lab::series_of(directory->path());
    ASSERT_TRUE(series) << series.error().message;
    EXPECT_EQ(*series, "6.12");
  }
  ASSERT_TRUE(write_file(makefile, "all:\n"));
  EXPECT_EQ(lab::series_of(directory->path()).error().message,
            "cannot use " + directory->path().string() +
                " as kernel source: its Makefile does not say VERSION and PATCHLEVEL; name the top "
                "directory of a kernel tree");
}

TEST(Source, what_is_not_there_is_named) {
  const auto source = lab::find_source("/nonexistent", "6.12");
  ASSERT_FALSE(source);
  EXPECT_NE(source.error().message.find("/nonexistent"), std::string::npos);
}

TEST(Kernel, those_that_are_superseded_are_removed) {
  auto cache = TemporaryDirectory::create(testing::TempDir(), "cache.");
  ASSERT_TRUE(cache);
  ::setenv("KCOVTOOL_CACHE", cache->path().c_str(), 1);
  for (const char* key : {"1", "2"}) {
    lab::Kernel kernel;
    kernel.machine = "um";
    kernel.release = "6.12.1";
    kernel.build_id = key;
    kernel.directory = lab::kernels_directory() / ("um-ours-" + std::string(key));
    fs::create_directories(kernel.directory);
    ASSERT_TRUE(lab::describe_kernel(kernel, kernel.directory));
    ASSERT_TRUE(lab::make_current(kernel));
  }
  const auto removed = lab::remove_superseded_kernels();
  ASSERT_TRUE(removed);
  ASSERT_EQ(removed->size(), 1u);
  EXPECT_EQ(removed->front().build_id, "1");
  const auto left = lab::list_kernels();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left.front().build_id, "2");
  EXPECT_TRUE(left.front().current);
  ::unsetenv("KCOVTOOL_CACHE");
}

// Nor is it said that none has been built.
TEST(Kernel, a_shelf_that_cannot_be_read_is_told) {
  auto cache = TemporaryDirectory::create(testing::TempDir(), "cache.");
  ASSERT_TRUE(cache);
  ::setenv("KCOVTOOL_CACHE", cache->path().c_str(), 1);
  EXPECT_TRUE(lab::check_kernels_directory());
  const std::string none = lab::current_kernel("um", lab::Variant::ours).error().message;
  EXPECT_NE(none.find("no kernel with our kcov has been built"), std::string::npos) << none;
  const auto expect_told = [](const std::string& why) {
    const std::string told = "cannot read " + lab::kernels_directory().string() + ": " + why;
    EXPECT_EQ(lab::current_kernel("um", lab::Variant::ours).error().message, told);
    EXPECT_EQ(lab::check_kernels_directory().error().message, told);
  };
  ASSERT_TRUE(write_file(lab::kernels_directory(), "no directory"));
  expect_told("Not a directory");
  fs::remove(lab::kernels_directory());
  // Root may read anything.
  const bool is_root = ::geteuid() == 0;
  fs::permissions(cache->path(), fs::perms::none);
  ASSERT_EQ(::seteuid(is_root ? 65534 : ::geteuid()), 0);
  expect_told("Permission denied");
  ASSERT_EQ(::seteuid(is_root ? 0 : ::geteuid()), 0);
  fs::permissions(cache->path(), fs::perms::owner_all);
  ::unsetenv("KCOVTOOL_CACHE");
}

TEST(Kernel, a_damaged_description_says_what_to_do) {
  auto directory = TemporaryDirectory::create(testing::TempDir(), "kernel.");
  ASSERT_TRUE(directory);
  ASSERT_TRUE(write_file(directory->path() / "kernel.json", "{"));
  const auto kernel = lab::read_kernel(directory->path());
  ASSERT_FALSE(kernel);
  EXPECT_NE(kernel.error().message.find("run kcovtool lab build"), std::string::npos);
}

}  // namespace
}  // namespace kcov
