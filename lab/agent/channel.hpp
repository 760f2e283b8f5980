// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The agent's end of the protocol: frames out, blocking or through a queue; frames in, as they
// come.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "lab/protocol.hpp"

namespace kcov::agent {

class Channel {
 public:
  // Takes a descriptor that reads and writes; a terminal is put into raw mode.
  explicit Channel(int fd);

  int fd() const { return fd_; }
  bool send(lab::FrameType type, std::string_view payload) { return send(type, payload, {}); }
  // The same for a payload in two pieces.
  bool send(lab::FrameType type, std::string_view head, std::string_view rest);

  // From now on what is sent waits in memory, and push() gives it to the line. When more than
  // `most` bytes wait, send() sleeps until no more do. With `before_sleep`, which is not null on a
  // single CPU, it keeps that at first: nothing that would send more runs meanwhile. If nobody
  // takes what it has, it calls that, and sleeps.
  void queue(std::size_t most, std::function<void()> before_sleep);
  // What the line takes now. False: it is broken.
  bool push();
  bool has_queued() const { return queued_.size() > taken_; }
  // Waits until the line has all; sends are then as before queue(). False: it is broken.
  bool flush();

  // Reads what is there. False at the end of the stream.
  bool fill();
  // The next whole frame of what was read: take_frame()'s result.
  int next(lab::Frame& frame) { return lab::take_frame(pending_, frame); }

 private:
  bool make_room();

  int fd_;
  std::string pending_;
  bool queues_ = false;
  std::size_t most_queued_ = 0;
  bool is_broken_ = false;
  std::string queued_;
  std::size_t taken_ = 0;  // of these, by the line
  std::function<void()> before_sleep_;
};

}  // namespace kcov::agent
