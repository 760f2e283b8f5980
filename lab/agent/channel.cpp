// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/agent/channel.hpp"

#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>

namespace kcov::agent {

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

bool Channel::fill() {
  char block[16384];
  for (;;) {
    const ssize_t n = ::read(fd_, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    pending_.append(block, static_cast<std::size_t>(n));
    return true;
  }
}

}  // namespace kcov::agent
