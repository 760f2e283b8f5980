// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/agent/channel.hpp"

#include <termios.h>
#include <unistd.h>

#include <cerrno>

namespace kcov::agent {

Channel::Channel(int fd) : fd_(fd) {
  termios settings{};
  if (::tcgetattr(fd, &settings) != 0) return;
  ::cfmakeraw(&settings);
  ::tcsetattr(fd, TCSANOW, &settings);
}

bool Channel::send(lab::FrameType type, std::string_view payload) {
  std::string bytes = lab::encode_frame(type, payload);
  for (std::string_view left = bytes; !left.empty();) {
    const ssize_t n = ::write(fd_, left.data(), left.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    left.remove_prefix(static_cast<std::size_t>(n));
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
