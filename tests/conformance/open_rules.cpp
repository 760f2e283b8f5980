// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Contract 1 to 11: opening, KCOV_INIT_TRACE, mmap.
#include <sys/socket.h>

#include <cstring>
#include <thread>

#include "rules.hpp"

namespace kcov::conformance {
namespace {

// The descriptor, passed to ourselves over a socket.
int passed(int fd) {
  int ends[2];
  EXPECT(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
  char byte = 0;
  iovec vector{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  EXPECT(::sendmsg(ends[0], &message, 0), 1);
  EXPECT(::recvmsg(ends[1], &message, 0), 1);
  int received = -1;
  std::memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof received);
  ::close(ends[0]);
  ::close(ends[1]);
  return received;
}

RULE(1, every_open_is_independent_and_dup_fork_SCM_RIGHTS_share) {
  File a;
  File b;
  EXPECT(a.init(), 0);
  EXPECT(b.enable(), -EINVAL);  // its own state
  EXPECT(b.init(2), 0);
  const File copy(File::Adopt{}, ::dup(a.fd()));
  EXPECT(copy.init(), -EBUSY);  // the same descriptor
  EXPECT(in_child([&] { return a.init() == -EBUSY ? 0 : 1; }), 0);
  const File sent(File::Adopt{}, passed(a.fd()));
  EXPECT(sent.init(), -EBUSY);
}

RULE(2, read_write_EINVAL_lseek_pread_ESPIPE) {
  const File file;
  char bytes[8] = {};
  EXPECT(sys_read(file.fd(), bytes, 8), -EINVAL);
  EXPECT(sys_write(file.fd(), bytes, 8), -EINVAL);
  EXPECT(sys_lseek(file.fd(), 0), -ESPIPE);
  EXPECT(sys_pread(file.fd(), bytes, 8), -ESPIPE);
}

RULE(3, the_open_mode_counts_for_maps_only) {
  const File file(O_RDONLY);
  EXPECT(file.init(), 0);
  EXPECT(Map(file).error(), -EACCES);
  const Map map(file, kWords * 8, PROT_READ);
  EXPECT(map.error(), 0);
  EXPECT(file.enable(), 0);
  work();
  EXPECT(file.disable(), 0);
  EXPECT(map.load(0) > 0, true);
  const File writable(O_WRONLY);
  EXPECT(writable.init(), 0);
  EXPECT(Map(writable).error(), -EACCES);
}

RULE(4, an_unknown_ioctl_is_ENOTTY) {
  const File file;
  for (const unsigned long command : {0x80046301ul, 0x6366ul, 0ul, 0x40046364ul, 0x6368ul})
    EXPECT(file.control(command, 0), -ENOTTY);
}

RULE(5, size_out_of_range_is_EINVAL) {
  const File file;
  for (const unsigned long size : {0ul, 1ul, 268435456ul, 1ul << 32, ~0ul})
    EXPECT(file.init(size), -EINVAL);
  EXPECT(file.init(2), 0);
}

RULE(6, size_is_checked_before_the_state) {
  const File file;
  EXPECT(file.init(), 0);
  EXPECT(file.init(1), -EINVAL);
  EXPECT(file.init(), -EBUSY);
  EXPECT(file.enable(), 0);
  EXPECT(file.init(1), -EINVAL);
  EXPECT(file.init(), -EBUSY);
  EXPECT(file.disable(), 0);
}

RULE(7, the_buffer_is_zeroed_and_a_race_has_one_winner) {
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  std::uint64_t sum = 0;
  for (std::size_t word = 0; word < kWords; ++word) sum |= map.load(word);
  EXPECT(sum, 0);
  for (int round = 0; round < 200; ++round) {
    const File raced;
    long other = 0;
    std::thread thread([&] { other = raced.init(); });
    const long mine = raced.init();
    thread.join();
    EXPECT((mine == 0 && other == -EBUSY) || (mine == -EBUSY && other == 0), true);
  }
}

RULE(8, a_map_is_exactly_the_buffer) {
  constexpr std::size_t kBytes = kWords * 8;
  const File file;
  EXPECT(Map(file).error(), -EINVAL);
  EXPECT(file.init(), 0);
  EXPECT(Map(file, kBytes, PROT_READ, MAP_SHARED, 4096).error(), -EINVAL);
  EXPECT(Map(file, kBytes - 4096).error(), -EINVAL);
  EXPECT(Map(file, kBytes + 4096).error(), -EINVAL);
  EXPECT(Map(file, kBytes - 1).error(), 0);  // rounded up by mmap itself
  const File odd;
  EXPECT(odd.init(kWords + 1), 0);
  EXPECT(Map(odd, kBytes).error(), -EINVAL);
  EXPECT(Map(odd, kBytes + 4096).error(), -EINVAL);
  EXPECT(odd.enable(), 0);
  EXPECT(odd.disable(), 0);
}

RULE(9, all_maps_alias_at_any_time) {
  const File file;
  EXPECT(file.init(), 0);
  const Map one(file);
  EXPECT(file.enable(), 0);
  const Map two(file);
  one.store(5, 77);
  EXPECT(two.load(5), 77);
  EXPECT(in_child([&] {
           const Map three(file);
           return three.error() == 0 && three.load(5) == 77 ? 0 : 1;
         }),
         0);
  EXPECT(file.disable(), 0);
  const Map four(file);
  EXPECT(four.load(5), 77);
}

RULE(10, read_only_private_fixed_maps_and_no_growth) {
  constexpr std::size_t kBytes = kWords * 8;
  const File file;
  EXPECT(file.init(), 0);
  EXPECT(Map(file, kBytes, PROT_READ).error(), 0);
  EXPECT(Map(file, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE).error(), 0);
  void* const reserved = ::mmap(nullptr, kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const Map fixed(file, kBytes, PROT_READ, MAP_SHARED | MAP_FIXED, 0, reserved);
  EXPECT(fixed.memory() == reserved, true);
  void* const map = sys_mmap(nullptr, kBytes, PROT_READ, MAP_SHARED, file.fd(), 0);
  errno = 0;
  void* const grown = ::mremap(map, kBytes, 2 * kBytes, MREMAP_MAYMOVE);
  if (grown == MAP_FAILED) {
    EXPECT(errno, EFAULT);
    ::munmap(map, kBytes);
    return;
  }
  // Then there is at least no memory behind the buffer.
  EXPECT(subject.host, true);
  not_here("a refusal of mremap(), which is the system's");
  int ends[2];
  EXPECT(::pipe(ends), 0);
  EXPECT(::write(ends[1], static_cast<char*>(grown) + kBytes, 1), -1);
  EXPECT(errno, EFAULT);
  ::close(ends[0]);
  ::close(ends[1]);
  ::munmap(grown, 2 * kBytes);
}

RULE(11, a_map_is_inherited_and_outlives_close) {
  File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  file.close();
  map.store(9, 99);
  EXPECT(in_child([&] {
           map.store(9, map.load(9) + 1);
           return 0;
         }),
         0);
  EXPECT(map.load(9), 100);
}

}  // namespace
}  // namespace kcov::conformance
