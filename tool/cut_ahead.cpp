// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "tool/cut_ahead.hpp"

#include <array>
#include <exception>
#include <type_traits>

#include "lab/paths.hpp"
#include "report/trace_report.hpp"

namespace kcov::tool {
namespace {

// What is cut in a moment needs no head start.
constexpr std::size_t kFew = 100'000;

// The records of a task stay in their place when it is moved.
static_assert(std::is_nothrow_move_constructible_v<lab::TaskTrace> &&
              std::is_nothrow_move_constructible_v<coverage::Task>);

}  // namespace

CutAhead::CutAhead(std::string vmlinux)
    : vmlinux_(std::move(vmlinux)), worker_([this](std::stop_token stop) { work(stop); }) {}

Status CutAhead::task_ended(const lab::SessionResult& result, std::size_t task) {
  const std::vector<std::uint32_t>& records = result.tasks[task].records;
  if (records.size() < kFew) return {};
  const std::lock_guard lock(mutex_);
  queue_.push_back(
      {task,
       records,
       {result.pcs.begin() + static_cast<std::ptrdiff_t>(known_pcs_), result.pcs.end()}});
  known_pcs_ = result.pcs.size();
  has_more_.notify_one();
  return {};
}

void CutAhead::work(const std::stop_token& stop) {
  bool has_failed = false;
  try {
    cut(stop);
  } catch (const std::exception&) {
    // No memory, say. What was not cut is cut at the end, and fails there if it has to.
    has_failed = true;
  }
  const std::lock_guard lock(mutex_);
  if (has_failed) image_.reset();
  leave_image();
}

void CutAhead::leave_image() {
  uses_image_ = false;
  has_left_image_.notify_one();
}

void CutAhead::cut(const std::stop_token& stop) {
  Result<symbol::Image> image = symbol::Image::open(vmlinux_);
  if (!image) return;
  image_ = std::move(*image);
  image_->keep_answers_in(lab::cache_directory() / "symbols");
  // The file of answers is read now.
  (void)image_->locate(std::array{image_->extent().end});
  symbol::Locations locations;
  coverage::Code code = report::code_of(locations);
  while (true) {
    Ended ended;
    {
      std::unique_lock lock(mutex_);
      leave_image();
      has_more_.wait(lock, stop, [this] { return !queue_.empty(); });
      // Asked in the lock: whoever takes the image has asked for the stop before.
      if (stop.stop_requested()) return;
      uses_image_ = true;
      ended = std::move(queue_.front());
      queue_.pop_front();
    }
    const symbol::Locations fresh = image_->locate(ended.fresh);
    locations.adopt_all_of(fresh);
    for (const symbol::Location& location : fresh) {
      // Of a module, of which it is not known yet where it lies.
      if (location.symbol.empty()) return;
      locations.push_back(location);
    }
    {
      const std::lock_guard lock(mutex_);
      leave_image();
    }
    if (!fresh.empty()) code = report::code_of(locations);
    done_.emplace_back(ended.task, coverage::cut_into_entries(ended.records, code));
  }
}

void CutAhead::stop() {
  worker_.request_stop();
  worker_.join();
}

std::optional<symbol::Image> CutAhead::take_image() {
  worker_.request_stop();
  std::unique_lock lock(mutex_);
  has_left_image_.wait(lock, [this] { return !uses_image_; });
  return std::move(image_);
}

void CutAhead::finish(coverage::Recording& recording) {
  worker_.join();
  for (auto& [task, entries] : done_) recording.tasks[task].entries = std::move(entries);
}

}  // namespace kcov::tool
