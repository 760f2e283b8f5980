// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/agent/task_buffer.hpp"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include "lab/agent/borrowed_task.hpp"
#include "lab/agent/proc.hpp"
#include "support/text.hpp"

namespace kcov::agent {
namespace {

std::string failure(const char* what, long result) {
  return std::string("it could not ") + what + ": " + std::strerror(static_cast<int>(-result));
}

// Descriptors that a borrowed task has for us. They are closed at the end, unless another
// thread of its has meanwhile put a file of its own there.
class BorrowedFiles {
 public:
  explicit BorrowedFiles(BorrowedTask& task) : task_(task) {}
  ~BorrowedFiles() {
    for (const auto& [fd, file] : files_) {
      if (file_of(std::to_string(task_.id()), fd) == file)
        (void)task_.call(SYS_close, {static_cast<std::uint64_t>(fd)});
    }
  }
  BorrowedFiles(const BorrowedFiles&) = delete;
  BorrowedFiles& operator=(const BorrowedFiles&) = delete;
  void add(int fd) { files_.emplace_back(fd, file_of(std::to_string(task_.id()), fd)); }
  const std::string& file(std::size_t index) const { return files_[index].second; }

 private:
  BorrowedTask& task_;
  std::vector<std::pair<int, std::string>> files_;
};

// A copy of descriptor `fd` of `task`, or a negative errno. `file`: what it is to be.
int copy_of_descriptor(pid_t task, int fd, const std::string& file) {
  const auto process = static_cast<pid_t>(field(read_proc(task, "status", kMostStatus), "Tgid"));
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
  if (handle < 0) return -errno;
  int copy = static_cast<int>(::syscall(SYS_pidfd_getfd, handle, fd, 0));
  if (copy < 0) copy = -errno;
  ::close(handle);
  // The process's first thread may have files of its own.
  if (copy >= 0 && file_of("self", copy) != file) {
    ::close(copy);
    return -EBADF;
  }
  return copy;
}

bool send_descriptor(int to, int fd) {
  char byte = 0;
  iovec vector{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  cmsghdr* const part = CMSG_FIRSTHDR(&header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(part), &fd, sizeof fd);
  return ::sendmsg(to, &header, MSG_NOSIGNAL) == 1;
}

}  // namespace

std::string TaskBuffer::open(std::uint64_t words) {
  if (const auto error = device.open()) {
    return "cannot open " + std::string(kDevicePath) + ": " + error.message();
  }
  if (const auto error = device.initialize(words)) {
    return "cannot make a kcov buffer of " + std::to_string(words) + " words: " + error.message();
  }
  if (const auto error = device.map(records)) {
    return "cannot map the kcov buffer: " + error.message();
  }
  return {};
}

std::uint64_t words_that_fit(std::uint64_t wanted, std::size_t others) {
  constexpr std::uint64_t kPageWords = 512;
  constexpr std::uint64_t kLeast = 16 * kPageWords;
  constexpr std::size_t kFew = 8;
  const auto [available, all] = memory();
  const std::uint64_t left = available > all / 4 ? available - all / 4 : 0;
  const std::uint64_t share = left / (others < kFew ? 16 : 64);
  const std::uint64_t words = std::min(wanted, share / sizeof(std::uint64_t));
  return words == wanted ? words : words < kLeast ? 0 : words / kPageWords * kPageWords;
}

std::string enable_in(BorrowedTask& borrowed, TaskBuffer& buffer) {
  // In the task's own memory: its two sockets, and what recvmsg() is to fill in.
  struct Room {
    int sockets[2];
    msghdr header;
    iovec vector;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    char byte;
  };
  static_assert(sizeof(Room) <= BorrowedTask::kRoom);
  const std::uint64_t at = borrowed.room();
  Room room{};
  room.header.msg_iov = reinterpret_cast<iovec*>(at + offsetof(Room, vector));
  room.header.msg_iovlen = 1;
  room.header.msg_control = reinterpret_cast<void*>(at + offsetof(Room, control));
  room.header.msg_controllen = sizeof room.control;
  room.vector = {reinterpret_cast<void*>(at + offsetof(Room, byte)), 1};
  borrowed.put(at, &room, sizeof room);

  std::string reason;
  {
    BorrowedFiles files(borrowed);
    long result = borrowed.call(SYS_socketpair, {AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, at});
    if (result < 0) {
      reason = failure("make a socket", result);
    } else {
      borrowed.get(at, &room, sizeof room);
      for (const int fd : room.sockets) files.add(fd);
      const int ours = copy_of_descriptor(borrowed.id(), room.sockets[0], files.file(0));
      const bool sent = ours >= 0 && send_descriptor(ours, buffer.device.fd());
      if (!sent) reason = failure("be given its descriptor", ours < 0 ? ours : -errno);
      if (ours >= 0) ::close(ours);
      if (sent) {
        result = borrowed.call(SYS_recvmsg, {static_cast<std::uint64_t>(room.sockets[1]),
                                             at + offsetof(Room, header), MSG_CMSG_CLOEXEC});
        borrowed.get(at, &room, sizeof room);
        const auto* const got = reinterpret_cast<const cmsghdr*>(room.control);
        if (result == 1 && got->cmsg_type == SCM_RIGHTS && got->cmsg_len == CMSG_LEN(sizeof(int))) {
          int theirs = -1;
          std::memcpy(&theirs, CMSG_DATA(got), sizeof theirs);
          files.add(theirs);
          result = borrowed.call(SYS_ioctl,
                                 {static_cast<std::uint64_t>(theirs), KCOV_ENABLE, KCOV_TRACE_PC});
          if (result < 0) reason = failure("enable kcov", result);
        } else {
          reason = failure("receive its descriptor", result < 0 ? result : -EMFILE);
        }
      }
    }
  }
  return borrowed.trouble().empty() ? reason : borrowed.trouble();
}

}  // namespace kcov::agent
