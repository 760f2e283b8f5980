// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/agent/channel.hpp"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
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
  queued_ += lab::frame_header(type, head.size() + rest.size());
  queued_ += head;
  queued_ += rest;
  if (!queues_) return push();
  return queued_.size() - taken_ <= most_queued_ ? !is_broken_ : make_room();
}

void Channel::queue(std::size_t most, std::function<void()> before_sleep) {
  queues_ = true;
  most_queued_ = most;
  before_sleep_ = std::move(before_sleep);
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

bool Channel::flush() {
  queues_ = false;
  before_sleep_ = nullptr;
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) & ~O_NONBLOCK);
  return push();
}

bool Channel::push() {
  while (!is_broken_ && has_queued()) {
    const ssize_t n = ::write(fd_, queued_.data() + taken_, queued_.size() - taken_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    is_broken_ = n < 0;
    if (n > 0) taken_ += static_cast<std::size_t>(n);
  }
  // Its room is kept. No byte is moved more often than another one is taken.
  if (taken_ * 2 >= queued_.size()) queued_.erase(0, std::exchange(taken_, 0));
  return !is_broken_;
}

// Waits until no more waits than may.
bool Channel::make_room() {
  pollfd room{fd_, POLLOUT, 0};
  auto end = std::chrono::steady_clock::now() + kLongestWake;
  for (std::size_t before = queued_.size() - taken_; push();) {
    const std::size_t left = queued_.size() - taken_;
    if (left <= most_queued_) break;
    const auto now = std::chrono::steady_clock::now();
    if (left < before) end = now + kLongestWake;
    before = left;
    if (now >= end && before_sleep_) before_sleep_();
    ::poll(&room, 1, before_sleep_ && now < end ? 0 : -1);
  }
  return !is_broken_;
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
