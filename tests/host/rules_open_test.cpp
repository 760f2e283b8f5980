// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Contract 1 to 11 on the user-space port: opening, KCOV_INIT_TRACE, mmap.
#include <sys/resource.h>
#include <sys/socket.h>

#include <thread>

#include "support.hpp"

namespace kcov::test {
namespace {

constexpr unsigned long kWords = kPageWords;

TEST(HostRules, Rule01_every_open_is_an_independent_descriptor) {
  File first;
  File second;
  EXPECT_EQ(0, first.init(kWords));
  EXPECT_EQ(EINVAL, second.enable()) << "the second has no buffer yet";
  EXPECT_EQ(0, second.init(2 * kWords));
  Map map(second.fd(), 2 * kWords);
  ASSERT_EQ(0, map.error());
  EXPECT_EQ(0, first.enable());
  run(10);
  EXPECT_EQ(0, first.disable());
  EXPECT_EQ(0u, map.count());
}

TEST(HostRules, Rule01_dup_shares_the_descriptor) {
  File file;
  const int copy = dup(file.fd());
  ASSERT_EQ(0, kcov_host_ioctl(copy, KCOV_INIT_TRACE, kWords));
  EXPECT_EQ(EBUSY, file.init(kWords));
  EXPECT_EQ(0, kcov_host_close(copy));
  EXPECT_EQ(0, file.enable()) << "the file lives as long as one of its descriptors";
  EXPECT_EQ(0, file.disable());
}

TEST(HostRules, Rule01_fork_shares_the_descriptor) {
  File file;
  EXPECT_EQ(0, in_child([&] { return file.init(kWords); }));
  EXPECT_EQ(EBUSY, file.init(kWords)) << "the child's buffer is the parent's";
}

TEST(HostRules, Rule01_SCM_RIGHTS_shares_the_descriptor) {
  File file;
  int ends[2];
  ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int sent = file.fd();
  std::memcpy(CMSG_DATA(header), &sent, sizeof sent);
  ASSERT_EQ(1, sendmsg(ends[0], &message, 0));
  ASSERT_EQ(1, recvmsg(ends[1], &message, 0));
  int received = -1;
  std::memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof received);
  ASSERT_EQ(0, kcov_host_ioctl(received, KCOV_INIT_TRACE, kWords));
  EXPECT_EQ(EBUSY, file.init(kWords));
  kcov_host_close(received);
  close(ends[0]);
  close(ends[1]);
}

TEST(HostRules, Rule02_read_and_write_are_EINVAL_lseek_and_pread_ESPIPE) {
  File file;
  char byte = 0;
  EXPECT_EQ(-1, kcov_host_read(file.fd(), &byte, 1));
  EXPECT_EQ(EINVAL, errno);
  EXPECT_EQ(-1, kcov_host_write(file.fd(), &byte, 1));
  EXPECT_EQ(EINVAL, errno);
  EXPECT_EQ(-1, kcov_host_lseek(file.fd(), 0, SEEK_SET));
  EXPECT_EQ(ESPIPE, errno);
  EXPECT_EQ(-1, kcov_host_pread(file.fd(), &byte, 1, 0));
  EXPECT_EQ(ESPIPE, errno);
  EXPECT_EQ(-1, kcov_host_pwrite(file.fd(), &byte, 1, 0));
  EXPECT_EQ(ESPIPE, errno);
}

TEST(HostRules, Rule03_a_read_only_descriptor_traces_but_has_no_writable_shared_map) {
  File file(O_RDONLY);
  ASSERT_EQ(0, file.init(kWords));
  EXPECT_EQ(EACCES, Map(file.fd(), kWords).error());
  EXPECT_EQ(EACCES, Map(file.fd(), 2 * kWords).error())
      << "the mode is looked at before the length";
  EXPECT_EQ(MAP_FAILED,
            mmap(nullptr, 8 * kWords, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd(), 0));
  EXPECT_EQ(EACCES, errno) << "the system says so too";
  Map map(file.fd(), kWords, PROT_READ);
  ASSERT_EQ(0, map.error());
  EXPECT_EQ(-1, mprotect(map.words(), 8 * kWords, PROT_READ | PROT_WRITE));
  EXPECT_EQ(EACCES, errno);
  ASSERT_EQ(0, file.enable());
  run(10);
  EXPECT_EQ(0, file.disable());
  EXPECT_LT(0u, map.count());
  File writes(O_WRONLY);
  ASSERT_EQ(0, writes.init(kWords));
  EXPECT_EQ(EACCES, Map(writes.fd(), kWords, PROT_READ).error());
}

TEST(HostRules, Rule04_an_unknown_ioctl_is_ENOTTY) {
  File file;
  for (const unsigned long command : {0x80046301ul, 0ul, 0x6366ul, 0x40086367ul, 0x6368ul, ~0ul})
    EXPECT_EQ(ENOTTY, file.ioctl(command)) << std::hex << command;
}

TEST(HostRules, Rule05_a_size_out_of_range_is_EINVAL) {
  File file;
  for (const unsigned long words : {0ul, 1ul, 268435456ul, 1ul << 61, ~0ul})
    EXPECT_EQ(EINVAL, file.init(words)) << words;
  EXPECT_EQ(0, file.init(2));
  File largest;
  EXPECT_EQ(0, largest.init(268435455));
}

TEST(HostRules, Rule06_the_size_is_checked_before_the_state) {
  File file;
  ASSERT_EQ(0, file.init(kWords));
  EXPECT_EQ(EINVAL, file.init(1));
  EXPECT_EQ(EBUSY, file.init(kWords));
  EXPECT_EQ(EBUSY, file.init(4 * kWords)) << "a larger one does not grow the buffer";
  ASSERT_EQ(0, file.enable());
  EXPECT_EQ(EINVAL, file.init(1));
  EXPECT_EQ(EBUSY, file.init(kWords));
  EXPECT_EQ(0, file.disable());
}

TEST(HostRules, Rule06_the_request_is_checked_before_there_is_no_descriptor_left) {
  File file;
  File initialized;
  ASSERT_EQ(0, initialized.init(kWords));
  rlimit before;
  ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
  const int first_free = dup(0);
  close(first_free);
  const rlimit none{static_cast<rlim_t>(first_free), before.rlim_max};
  ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
  const int too_small = file.init(1);
  const int good = file.init(kWords);
  const int small_again = initialized.init(1);
  const int again = initialized.init(kWords);
  ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
  EXPECT_EQ(EINVAL, too_small);
  EXPECT_EQ(EMFILE, good);
  EXPECT_EQ(EINVAL, small_again);
  EXPECT_EQ(EBUSY, again);
  EXPECT_EQ(0, file.init(kWords)) << "nothing has changed";
  Map map(file.fd(), kWords);
  ASSERT_EQ(0, map.error());
  EXPECT_EQ(0, file.enable());
  run(1);
  EXPECT_EQ(0, file.disable());
  EXPECT_LT(0u, map.count());
}

TEST(HostRules, Rule07_the_buffer_is_zeroed_and_a_loser_of_a_race_frees_its_own) {
  for (int round = 0; round < 200; ++round) {
    const int before = maps_of("memfd:kcov");
    File file;
    int results[2];
    {
      std::thread first([&] { results[0] = file.init(kWords); });
      std::thread second([&] { results[1] = file.init(2 * kWords); });
      first.join();
      second.join();
    }
    const bool first_won = results[0] == 0;
    ASSERT_EQ(first_won ? EBUSY : 0, results[1]);
    ASSERT_EQ(first_won ? 0 : EBUSY, results[0]);
    ASSERT_EQ(before + 1, maps_of("memfd:kcov"));
    Map map(file.fd(), first_won ? kWords : 2 * kWords);
    ASSERT_EQ(0, map.error());
    for (std::size_t word = 0; word < kWords; ++word) ASSERT_EQ(0u, map.at(word));
  }
}

TEST(HostRules, Rule08_mmap_wants_an_initialised_descriptor_offset_0_and_the_exact_length) {
  File file;
  EXPECT_EQ(EINVAL, Map(file.fd(), kWords).error()) << "before INIT";
  ASSERT_EQ(0, file.init(2 * kWords));
  EXPECT_EQ(EINVAL, Map(file.fd(), kWords).error());
  EXPECT_EQ(EINVAL, Map(file.fd(), 3 * kWords).error());
  EXPECT_EQ(EINVAL, Map(file.fd(), 0).error());
  EXPECT_EQ(EINVAL, Map(file.fd(), 2 * kWords, PROT_READ, MAP_SHARED, 4096).error());
  EXPECT_EQ(0, Map(file.fd(), 2 * kWords).error());
  EXPECT_EQ(0, Map(file.fd(), 2 * kWords - 5).error()) << "rounded up to pages";
}

TEST(HostRules, Rule08_a_size_that_is_not_whole_pages_can_be_traced_into_but_not_mapped) {
  File file;
  ASSERT_EQ(0, file.init(kWords + 1));
  for (const unsigned long words : {kWords, kWords + 1, 2 * kWords})
    EXPECT_EQ(EINVAL, Map(file.fd(), words).error());
  ASSERT_EQ(0, file.enable());
  run(4 * kWords);
  EXPECT_EQ(0, file.disable());
  EXPECT_LT(0u, file.dropped());
}

TEST(HostRules, Rule09_maps_from_any_process_at_any_time_alias_the_same_memory) {
  File file;
  ASSERT_EQ(0, file.init(kWords));
  Map before(file.fd(), kWords);
  ASSERT_EQ(0, file.enable());
  Map during(file.fd(), kWords);
  run(5);
  ASSERT_EQ(0, file.disable());
  Map after(file.fd(), kWords);
  ASSERT_LT(0u, before.count());
  EXPECT_EQ(before.count(), during.count());
  EXPECT_EQ(before.count(), after.count());
  EXPECT_EQ(0, in_child([&] {
              Map of_child(file.fd(), kWords);
              if (of_child.error() != 0 || of_child.count() != before.count()) return 1;
              of_child.set(1, 4711);
              return 0;
            }));
  EXPECT_EQ(4711u, after.at(1));
}

TEST(HostRules, Rule10_PROT_READ_MAP_PRIVATE_and_MAP_FIXED_work) {
  File file;
  ASSERT_EQ(0, file.init(kWords));
  Map read_only(file.fd(), kWords, PROT_READ);
  EXPECT_EQ(0, read_only.error());
  Map own(file.fd(), kWords, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  ASSERT_EQ(0, own.error());
  void* const reserved = mmap(nullptr, 8 * kWords, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  Map fixed(file.fd(), kWords, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, 0, reserved);
  EXPECT_EQ(reserved, fixed.words());
  fixed.set(3, 99);
  EXPECT_EQ(99u, read_only.at(3));
  EXPECT_EQ(99u, own.at(3)) << "a private map shows the buffer until it is written";
}

// Linux refuses to grow the map (EFAULT). The system's own mremap() cannot be told
// to, so here the map gets longer, but has no memory behind the buffer's last page.
TEST(HostRules, Rule10_a_map_grown_by_mremap_has_no_memory_past_the_buffer) {
  File file;
  ASSERT_EQ(0, file.init(kWords));
  Map map(file.fd(), kWords);
  void* const grown = mremap(map.words(), 8 * kWords, 16 * kWords, MREMAP_MAYMOVE);
  if (grown == MAP_FAILED) return;  // as Linux
  int pipe_ends[2];
  ASSERT_EQ(0, pipe(pipe_ends));
  EXPECT_EQ(1, write(pipe_ends[1], grown, 1));
  EXPECT_EQ(-1, write(pipe_ends[1], static_cast<char*>(grown) + 8 * kWords, 1));
  EXPECT_EQ(EFAULT, errno);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  munmap(grown, 16 * kWords);
}

TEST(HostRules, Rule11_a_map_is_inherited_by_fork_and_outlives_the_descriptor) {
  File file;
  ASSERT_EQ(0, file.init(kWords));
  Map map(file.fd(), kWords);
  ASSERT_EQ(0, file.enable());
  run(5);
  ASSERT_EQ(0, file.disable());
  ASSERT_EQ(0, file.close());
  const std::uint64_t count = map.count();
  EXPECT_LT(0u, count);
  EXPECT_EQ(0, in_child([&] {
              const bool seen = map.count() == count;
              map.set(2, 12);
              return seen ? 0 : 1;
            }));
  EXPECT_EQ(12u, map.at(2));
}

TEST(HostErrors, a_descriptor_that_is_none_of_ours_is_EBADF) {
  char byte;
  for (const int fd : {-1, 0, 9999}) {
    EXPECT_EQ(-1, kcov_host_ioctl(fd, KCOV_INIT_TRACE, 2));
    EXPECT_EQ(EBADF, errno);
    EXPECT_EQ(MAP_FAILED, kcov_host_mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0));
    EXPECT_EQ(EBADF, errno);
    EXPECT_EQ(-1, kcov_host_read(fd, &byte, 1));
    EXPECT_EQ(EBADF, errno);
    EXPECT_EQ(-1, kcov_host_pread(fd, &byte, 1, 0));
    EXPECT_EQ(EBADF, errno);
    EXPECT_EQ(-1, kcov_host_close(fd));
    EXPECT_EQ(EBADF, errno);
  }
  EXPECT_GE(fcntl(0, F_GETFD), 0) << "and it stays open";
}

}  // namespace
}  // namespace kcov::test
