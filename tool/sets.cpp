// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "tool/sets.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "coverage/merged_file.hpp"
#include "coverage/recording_file.hpp"
#include "support/interrupt.hpp"
#include "tool/names.hpp"

namespace kcov::tool {
namespace {

using coverage::CoverageSet;
using coverage::Detail;
using coverage::Merger;
using coverage::Recording;

// One file: either of the two. Of a recording that has its names they are left out, because
// those of most are known from another.
struct Read {
  std::optional<CoverageSet> set;
  std::optional<Recording> recording;
  bool names_left_out = false;
};

Result<Read> read(const std::string& file, const std::string& vmlinux) {
  Read read;
  Result<Recording> recording = coverage::read_recording(file, Detail::no_names);
  // To open each twice would cost as much as half of the rest.
  if (!recording && coverage::is_merged(file)) {
    Result<CoverageSet> set = coverage::read_merged(file);
    if (!set) return set.error();
    read.set = std::move(*set);
    return read;
  }
  if (!recording) return recording.error();
  read.names_left_out = vmlinux.empty() && recording->status && recording->unnamed.empty();
  if (!read.names_left_out) recording = read_named(file, vmlinux);
  if (!recording) return recording.error();
  if (Status named = check_names(*recording, file, vmlinux); !named) return named.error();
  read.recording = std::move(*recording);
  return read;
}

Status add(Merger& merger, Read read, const std::string& file) {
  if (read.set) return merger.add(std::move(*read.set), file);
  if (Status moved = merger.move_modules(*read.recording, file); !moved) return moved;
  Merger::Known known = merger.look_up(*read.recording);
  if (read.names_left_out && !known.unknown.empty()) {
    Status named = coverage::read_names_of(file, known.unknown, read.recording->locations);
    if (!named) return named;
  }
  return merger.add(*read.recording, file, std::move(known));
}

class Progress {
 public:
  explicit Progress(std::size_t all) : all_(all) {}
  ~Progress() {
    if (shown_) fmt::print(stderr, "\r\033[K");
  }
  void show(std::size_t done) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ || now - last_ < std::chrono::milliseconds(200)) return;
    fmt::print(stderr, "\r\033[K{} of {} recordings", done, all_);
    last_ = now;
    shown_ = true;
  }

 private:
  std::size_t all_;
  bool terminal_ = ::isatty(2) != 0;
  bool shown_ = false;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace

Result<CoverageSet> read_set(const std::vector<std::string>& files, const std::string& vmlinux) {
  Merger merger;
  Progress progress(files.size());
  // Read ahead by all processors, put together in order.
  const std::size_t ahead = std::max(1u, std::thread::hardware_concurrency());
  std::deque<std::future<Result<Read>>> reading;
  std::size_t begun = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    while (begun < files.size() && reading.size() < ahead) {
      reading.push_back(
          std::async(std::launch::async, [&, file = files[begun]] { return read(file, vmlinux); }));
      ++begun;
    }
    Result<Read> one = reading.front().get();
    reading.pop_front();
    if (!one) return one.error();
    if (Status added = add(merger, std::move(*one), files[i]); !added) return added.error();
    if (interrupted() != 0) return interruption();
    progress.show(i + 1);
  }
  return merger.take();
}

}  // namespace kcov::tool
