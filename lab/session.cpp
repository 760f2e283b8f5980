// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/session.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>

#include "lab/guest_ring.hpp"
#include "lab/record_frames.hpp"
#include "support/files.hpp"
#include "support/interrupt.hpp"
#include "support/pc_table.hpp"

extern char** environ;

namespace kcov::lab {
namespace {

using Clock = std::chrono::steady_clock;

// What is read ahead of a command that does not read its input.
constexpr std::size_t kMaxQueued = 1 << 20;
// Inputs that the agent has not taken yet.
constexpr int kMaxSent = 4;
// Less than this is sooner there on the line itself.
constexpr std::size_t kMaxOnLine = 512;
constexpr std::size_t kBlock = 1 << 20;
constexpr std::size_t kLogLines = 20;
// For a command to end in, when it was asked to.
constexpr std::chrono::seconds kGrace(5);
constexpr std::chrono::seconds kQuiet(1);
// How many times as long as it may be silent a machine may take to boot.
constexpr int kBoots = 10;
// A pipe that has room has it for so much.
constexpr std::size_t kMostAtOnce = 4096;

std::string last_lines(const std::string& text) {
  std::size_t begin = text.size();
  for (std::size_t lines = 0; begin > 0 && lines <= kLogLines; ++lines) {
    begin = text.rfind('\n', begin - 1);
    if (begin == std::string::npos) begin = 0;
  }
  return text.substr(begin == 0 ? 0 : begin + 1);
}

class Session {
 public:
  Session(Machine& machine, const Request& request, const SessionOptions& options)
      : machine_(machine), request_(request), options_(options), input_(options.input) {
    const int flags = ::fcntl(machine.channel(), F_GETFL);
    ::fcntl(machine.channel(), F_SETFL, flags | O_NONBLOCK);
  }

  Result<SessionResult> run() {
    while (!finished_) {
      if (Status going_on = heed_interruptions(); !going_on) return going_on.error();
      if (silence_ > std::chrono::seconds(options_.hang_seconds)) {
        return broken(
            fmt::format("has said nothing for {} seconds and was ended", options_.hang_seconds));
      }
      pollfd waits[2] = {{machine_.channel(), POLLIN, 0}, {-1, POLLIN, 0}};
      if (!outgoing_.empty()) waits[0].events |= POLLOUT;
      if (started_ && input_ >= 0 && outgoing_.size() < kMaxQueued && sent_ < kMaxSent) {
        waits[1].fd = input_;
      }
      const Clock::time_point asked = Clock::now();
      const int ready = ::poll(waits, 2, 1000);
      // The time that we listened, and not what the clock says: stopped (Ctrl-Z, a paused
      // container) or held up by a slow reader, we hear nothing of a machine that is well.
      const auto listened =
          std::min<Clock::duration>(Clock::now() - asked, std::chrono::seconds(1));
      silence_ += listened;
      if (signal_ != 0) since_signal_ += listened;
      if (ready <= 0) {
        heed_boot();
        continue;
      }
      if (waits[1].revents != 0) {
        if (Status done = read_input(); !done) return done.error();
      }
      if ((waits[0].revents & POLLOUT) != 0) write_channel();
      if ((waits[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
        if (Status done = read_channel(); !done) return done.error();
      }
    }
    return std::move(result_);
  }

 private:
  Error broken(const std::string& what) const {
    const std::string log = machine_.log();
    std::string obstacle;
    if (!started_ && !log.empty()) obstacle = machine_.obstacle();
    if (!obstacle.empty()) return Error{"cannot start the machine: " + obstacle};
    return Error{fmt::format(
        "the machine {}{}{}", what,
        log.empty() ? "; its kernel printed nothing" : "; the end of its kernel's log:\n",
        last_lines(log))};
  }

  // While it boots, a machine speaks by its kernel's log alone. For so long: one that prints
  // "stalled" for ever does not boot.
  void heed_boot() {
    const std::uintmax_t size = started_ ? 0 : machine_.log_size();
    if (size == boot_log_ || boots_ >= kBoots * std::chrono::seconds(options_.hang_seconds)) return;
    boots_ += silence_;
    silence_ = {};
    boot_log_ = size;
  }

  // Those that are new, and the time that the first one gave.
  Status heed_interruptions() {
    while (result_.interruptions < interruptions()) {
      const bool was_told = interrupted() == SIGINT && options_.command_has_terminal;
      if (!was_told) {
        if (!started_ || !options_.passes_signals_on || signal_ == SIGKILL) return interruption();
        pass_on(signal_ == 0 ? interrupted() : SIGKILL);
      }
      ++result_.interruptions;
    }
    if (signal_ == 0 || signal_ == SIGKILL) return {};
    if (since_signal_ > kGrace) pass_on(SIGKILL);
    if (since_signal_ > kQuiet && !has_told_) {
      has_told_ = true;
      if (options_.still_runs) options_.still_runs(static_cast<int>((kGrace - kQuiet).count()));
    }
    return {};
  }

  void pass_on(int signal) {
    signal_ = signal;
    since_signal_ = {};
    outgoing_ += encode_frame(FrameType::signal,
                              Encoder().integer(static_cast<std::uint64_t>(signal)).take());
  }

  Status read_input() {
    const ssize_t n = ::read(input_, block_.data(), block_.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return {};
    if (n < 0) {
      return Error{
          fmt::format("cannot read standard input: {}; a command that needs none is run "
                      "with </dev/null",
                      errno_text(errno))};
    }
    if (n == 0) {
      outgoing_ += encode_frame(FrameType::input_end, {});
      input_ = -1;
      return {};
    }
    const std::string_view bytes(block_.data(), static_cast<std::size_t>(n));
    ++sent_;
    const std::filesystem::path spool = machine_.spool();
    if (bytes.size() > kMaxOnLine && !spool.empty() &&
        write_file(spool / spool_name(next_file_), bytes)) {
      outgoing_ += encode_frame(FrameType::input_file, Encoder().integer(next_file_++).take());
      return {};
    }
    outgoing_ += encode_frame(FrameType::input, bytes);
    return {};
  }

  void write_channel() {
    // Not write(): a machine that has died is an error to report, not a SIGPIPE.
    const ssize_t n = ::send(machine_.channel(), outgoing_.data(), outgoing_.size(), MSG_NOSIGNAL);
    if (n > 0) outgoing_.erase(0, static_cast<std::size_t>(n));
  }

  Status read_channel() {
    char block[65536];
    const ssize_t n = ::read(machine_.channel(), block, sizeof block);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return {};
    if (n <= 0) {
      // Its last words may still be on their way to the log.
      machine_.wait(2);
      return broken(started_ ? "died while the command ran" : "died before it was ready");
    }
    incoming_.append(block, static_cast<std::size_t>(n));
    Frame frame;
    int taken;
    while (!finished_ && (taken = take_frame(incoming_, frame)) != 0) {
      if (taken < 0 || !take(frame)) return broken("sent something that makes no sense");
      if (!observed_) return observed_.error();
    }
    silence_ = {};
    // Who asked for the end may have gone, and the terminal with them.
    if (!lost_.empty() && result_.interruptions == 0) {
      return Error{fmt::format("cannot write the command's standard {}: {}", lost_,
                               errno_text(write_error_))};
    }
    return {};
  }

  // Whoever reads it may take long. Signals are heeded meanwhile.
  bool pass_on(int fd, const char* stream, std::string_view bytes) {
    while (!bytes.empty() && lost_.empty()) {
      pollfd waits[2] = {{fd, POLLOUT, 0},
                         {outgoing_.empty() ? -1 : machine_.channel(), POLLOUT, 0}};
      ::poll(waits, 2, 1000);
      if (!heed_interruptions()) return true;
      if (waits[1].revents != 0) write_channel();
      if (waits[0].revents == 0) continue;
      const ssize_t n = ::write(fd, bytes.data(), std::min(bytes.size(), kMostAtOnce));
      if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (n <= 0) {
        lost_ = stream;
        write_error_ = errno;
      } else {
        bytes.remove_prefix(static_cast<std::size_t>(n));
      }
    }
    return true;
  }

  bool take(const Frame& frame) {
    switch (frame.type) {
      case FrameType::hello: {
        Decoder decoder(frame.payload);
        result_.release = decoder.text();
        result_.build_id = decoder.text();
        outgoing_ += encode_frame(FrameType::start, encode(request_));
        if (input_ < 0) outgoing_ += encode_frame(FrameType::input_end, {});
        started_ = true;
        tell(&SessionObserver::started);
        return decoder.good();
      }
      case FrameType::output: return pass_on(options_.output, "output", frame.payload);
      case FrameType::errors: return pass_on(options_.errors, "error", frame.payload);
      case FrameType::heartbeat: tell(&SessionObserver::second_passed); return true;
      case FrameType::input_taken: {
        std::error_code ignored;
        std::filesystem::remove(machine_.spool() / spool_name(Decoder(frame.payload).integer()),
                                ignored);
        --sent_;
        return true;
      }
      case FrameType::task: {
        TaskHeader header;
        if (!decode(frame.payload, header) || header.number != result_.tasks.size()) return false;
        result_.tasks.push_back({std::move(header), {}, {}, {}, {}, false});
        tell(&SessionObserver::task_began, result_.tasks.size() - 1);
        return true;
      }
      case FrameType::program: {
        TaskProgram program;
        if (!decode(frame.payload, program) || !is_running(program.number)) return false;
        const std::size_t task = program.number;
        result_.tasks[task].programs.push_back(std::move(program));
        tell(&SessionObserver::program_began, task);
        return true;
      }
      case FrameType::call: {
        TaskCall call;
        if (!decode(frame.payload, call) || !is_running(call.number)) return false;
        const std::size_t task = call.number;
        result_.tasks[task].calls.push_back(std::move(call));
        tell(&SessionObserver::call_made, task);
        return true;
      }
      case FrameType::pcs: {
        Decoder decoder(frame.payload);
        std::uint64_t pc = 0;
        if (frame.payload.size() % sizeof pc != 0) return false;
        for (std::size_t i = frame.payload.size() / sizeof pc; i > 0; --i)
          line_numbers_.push_back(number_of(decoder.integer()));
        return true;
      }
      case FrameType::records: {
        std::uint64_t number = 0;
        if (!decode_records(frame.payload, line_numbers_.size(), number, numbers_)) return false;
        for (std::uint32_t& record : numbers_) record = line_numbers_[record];
        return add_records(number);
      }
      case FrameType::ring: {
        Decoder decoder(frame.payload);
        const std::uint64_t first = decoder.integer();
        const std::uint64_t second = decoder.integer();
        if (!decoder.good()) return false;
        if (const int memory = machine_.open_memory(); memory >= 0)
          ring_ = GuestRing::find(memory, {first, second});
        return true;
      }
      case FrameType::ring_records: {
        Decoder decoder(frame.payload);
        const std::uint64_t number = decoder.integer();
        const std::uint64_t count = decoder.integer();
        if (!decoder.good() || ring_ == nullptr || !ring_->take(count, pcs_)) return false;
        numbers_.clear();
        for (const std::uint64_t pc : pcs_) numbers_.push_back(number_of(pc));
        result_.ring_records += count;
        return add_records(number);
      }
      case FrameType::task_end: {
        TaskEnd end;
        if (!decode(frame.payload, end) || !is_running(end.number)) return false;
        TaskTrace& task = result_.tasks[end.number];
        if (task.records.size() != end.records) return false;
        task.end = end;
        task.has_ended = true;
        tell(&SessionObserver::task_ended, std::size_t{end.number});
        return true;
      }
      case FrameType::modules: {
        LoadedModules loaded;
        if (!decode(frame.payload, loaded)) return false;
        if (loaded.text_start != 0) result_.modules.text_start = loaded.text_start;
        std::vector<LoadedModule>& known = result_.modules.modules;
        for (LoadedModule& module : loaded.modules)
          if (std::find(known.begin(), known.end(), module) == known.end())
            known.push_back(std::move(module));
        return true;
      }
      case FrameType::finished: {
        finished_ = true;
        if (!decode(frame.payload, result_.outcome)) return false;
        result_.was_killed = signal_ == SIGKILL && result_.outcome.status == 128 + SIGKILL;
        return true;
      }
      default: return false;
    }
  }

  std::uint32_t number_of(std::uint64_t pc) {
    const std::uint32_t number = table_.number_of(pc);
    if (number == result_.pcs.size()) result_.pcs.push_back(pc);
    return number;
  }

  // The command is root in the machine, and may write to its line itself. Whatever comes: of a task
  // that has ended nothing changes, for observers read it then.
  bool is_running(std::uint64_t task) const {
    return task < result_.tasks.size() && !result_.tasks[task].has_ended;
  }

  // `numbers_` are what a task has recorded.
  bool add_records(std::uint64_t task) {
    if (!is_running(task)) return false;
    std::vector<std::uint32_t>& records = result_.tasks[task].records;
    records.insert(records.end(), numbers_.begin(), numbers_.end());
    tell(&SessionObserver::recorded, std::size_t{task}, numbers_.size());
    return true;
  }

  template <class Told, class... What>
  void tell(Told told, What... what) {
    for (SessionObserver* const observer : options_.observers)
      if (observed_) observed_ = (observer->*told)(result_, what...);
  }

  Machine& machine_;
  const Request& request_;
  const SessionOptions& options_;
  int input_;
  bool started_ = false;
  bool finished_ = false;
  std::string incoming_;
  std::string outgoing_;
  std::vector<char> block_ = std::vector<char>(kBlock);
  // The command's stream that could not be written, and why.
  std::string lost_;
  int write_error_ = 0;
  std::uint64_t next_file_ = 1;
  int sent_ = 0;
  int signal_ = 0;  // that was passed on last
  Clock::duration since_signal_{};
  bool has_told_ = false;  // that the command runs still
  Clock::duration silence_{};
  Clock::duration boots_{};  // before boot_log_ was the size of the log
  std::uintmax_t boot_log_ = 0;
  PcTable table_;                            // of result_.pcs
  std::vector<std::uint32_t> line_numbers_;  // of the PCs that came on the line
  std::vector<std::uint32_t> numbers_;       // of the records that came last
  std::unique_ptr<GuestRing> ring_;          // null: it was not found
  std::vector<std::uint64_t> pcs_;           // that came last through it
  Status observed_;                          // what the observer said last
  SessionResult result_;
};

}  // namespace

Result<SessionResult> run_session(Machine& machine, const Request& request,
                                  const SessionOptions& options) {
  Session session(machine, request, options);
  // Before the session goes, however it ends.
  struct End {
    const SessionOptions& options;
    bool is_good = false;
    ~End() {
      for (SessionObserver* const observer : options.observers)
        if (!is_good) observer->broken_off();
    }
  } end{options};
  Result<SessionResult> result = session.run();
  end.is_good = bool(result);
  return result;
}

Result<Request> request_for(const std::vector<std::string>& arguments) {
  Request request;
  request.arguments = arguments;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    request.environment.emplace_back(*variable);
  }
  std::error_code error;
  request.directory = std::filesystem::current_path(error).string();
  if (error) {
    return Error{fmt::format("cannot run {} in the current directory: {}{}", arguments[0],
                             error.message(),
                             error.value() == ENOENT ? "; it has been removed" : "")};
  }
  return request;
}

}  // namespace kcov::lab
