// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The agent's end of the protocol: frames out, blocking; frames in, as they come.
#pragma once

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

  // From now on sends sleep while they wait only as long as `may_sleep` says so, and else keep the
  // CPU: on a single one nothing else runs meanwhile. Before one goes to sleep after all, since
  // nobody takes what it has, it calls `before_sleep`. Both null: they sleep, as at first.
  void stay_awake(std::function<bool()> may_sleep, std::function<void()> before_sleep);

  // Reads what is there. False at the end of the stream.
  bool fill();
  // The next whole frame of what was read: take_frame()'s result.
  int next(lab::Frame& frame) { return lab::take_frame(pending_, frame); }

 private:
  void wait_for_room();

  int fd_;
  std::string pending_;
  std::function<bool()> may_sleep_;
  std::function<void()> before_sleep_;
};

}  // namespace kcov::agent
