// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/agent/channel.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <iterator>
#include <utility>

namespace kcov::agent {
namespace {

// A tool that is only slow takes something within that time.
constexpr std::chrono::milliseconds kLongestWake(400);

}  // namespace

Channel::Channel(int fd) : fd_(fd) {
  termios settings{};
  if (::tcgetattr(fd, &settings) != 0) return;
  ::cfmakeraw(&settings);
  ::tcsetattr(fd, TCSANOW, &settings);
}

bool Channel::send(lab::FrameType type, std::string_view head, std::string_view rest) {
  const std::string header = lab::frame_header(type, head.size() + rest.size());
  iovec parts[] = {{const_cast<char*>(header.data()), header.size()},
                   {const_cast<char*>(head.data()), head.size()},
                   {const_cast<char*>(rest.data()), rest.size()}};
  for (std::size_t first = 0; first < std::size(parts);) {
    ssize_t n = ::writev(fd_, parts + first, static_cast<int>(std::size(parts) - first));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      wait_for_room();
      continue;
    }
    if (n < 0) return false;
    for (; first < std::size(parts) && static_cast<std::size_t>(n) >= parts[first].iov_len; ++first)
      n -= static_cast<ssize_t>(parts[first].iov_len);
    if (first == std::size(parts)) break;
    if (n == 0 && parts[first].iov_len == 0) continue;
    parts[first].iov_base = static_cast<char*>(parts[first].iov_base) + n;
    parts[first].iov_len -= static_cast<std::size_t>(n);
  }
  return true;
}

void Channel::stay_awake(std::function<bool()> may_sleep, std::function<void()> before_sleep) {
  may_sleep_ = std::move(may_sleep);
  before_sleep_ = std::move(before_sleep);
  const int flags = ::fcntl(fd_, F_GETFL);
  ::fcntl(fd_, F_SETFL, before_sleep_ ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

void Channel::wait_for_room() {
  pollfd room{fd_, POLLOUT, 0};
  while (may_sleep_ && may_sleep_())
    if (::poll(&room, 1, 1) > 0) return;
  const auto end = std::chrono::steady_clock::now() + kLongestWake;
  while (std::chrono::steady_clock::now() < end)
    if (::poll(&room, 1, 0) > 0) return;
  if (before_sleep_) before_sleep_();
  ::poll(&room, 1, -1);
}

bool Channel::fill() {
  char block[16384];
  for (;;) {
    const ssize_t n = ::read(fd_, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return true;
    if (n <= 0) return false;
    pending_.append(block, static_cast<std::size_t>(n));
    return true;
  }
}

}  // namespace kcov::agent
