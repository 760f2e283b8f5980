// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Cuts the records of a task that has ended into entries while others still run: a build's
// compilers are many, and what they recorded would all be waited for at the end.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "coverage/entries.hpp"
#include "coverage/recording.hpp"
#include "lab/session.hpp"
#include "support/result.hpp"
#include "symbol/image.hpp"

namespace kcov::tool {

class CutAhead : public lab::SessionObserver {
 public:
  // `vmlinux`: the image of the kernel that the session's command runs on.
  explicit CutAhead(std::string vmlinux);

  Status task_ended(const lab::SessionResult& result, std::size_t task) override;
  void broken_off() override { stop(); }

  // From now on no other task is taken. Returns the image, if it could be opened; to be called
  // once.
  std::optional<symbol::Image> take_image();
  // After that: puts the entries of the tasks that it came to into the recording, whose tasks are
  // the session's, and leaves the others' to report::cut(). The session's result, or the recording
  // that has taken its tasks, must live until then.
  void finish(coverage::Recording& recording);

 private:
  struct Ended {
    std::size_t task;
    std::span<const std::uint32_t> records;  // the session leaves them where they are
    std::vector<std::uint64_t> fresh;        // PCs that were recorded since the last one's end
  };
  void work(const std::stop_token& stop);
  void cut(const std::stop_token& stop);
  void stop();
  void leave_image();  // with mutex_ held

  std::string vmlinux_;
  std::optional<symbol::Image> image_;  // the worker's while it uses_image_
  std::size_t known_pcs_ = 0;
  std::mutex mutex_;
  std::condition_variable_any has_more_;
  std::condition_variable_any has_left_image_;
  bool uses_image_ = true;
  std::deque<Ended> queue_;
  // By task; the worker's until it has been joined.
  std::vector<std::pair<std::size_t, std::vector<coverage::Entry>>> done_;
  std::jthread worker_;  // the last, for it uses the others
};

}  // namespace kcov::tool
