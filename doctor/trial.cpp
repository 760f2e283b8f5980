// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "doctor/trial.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <kcov/device.hpp>
#include <memory>
#include <utility>

#include "lab/machine.hpp"
#include "lab/session.hpp"
#include "support/files.hpp"

namespace kcov::doctor {
namespace {

// Words of the buffer: many more than one call records.
constexpr std::size_t kWords = 1 << 14;
// Of the command in the lab: it is emptied when it is half full.
constexpr std::uint64_t kLabWords = 1 << 18;
constexpr unsigned kLabMemory = 256;

// Fails at once, in every kernel, after a walk through a handful of functions.
void make_a_call() {
  char byte;
  (void)!::read(-1, &byte, 1);
}

constexpr const char* kSites = "/sys/kernel/debug/kcov_sites";
constexpr const char* kSleepAfter = "/sys/kernel/debug/kcov_sleep_after";

// Empty where it is not there.
std::string text_of(const std::string& path) {
  Result<std::string> text = read_file(path);
  return text ? *std::move(text) : std::string();
}

// What the command says, in memory.
class MemoryFile {
 public:
  MemoryFile() : fd_(::memfd_create("kcovtool-doctor", MFD_CLOEXEC)) {}
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }
  std::string text() const {
    char block[4096];
    const ssize_t count = ::pread(fd_, block, sizeof block, 0);
    return {block, count > 0 ? static_cast<std::size_t>(count) : 0};
  }

 private:
  int fd_;
};

struct Ran {
  lab::SessionResult session;
  std::string output;
};

// Boots the kernel for one command; `trace_words`: of its tasks' buffers, 0: they are not traced.
Result<Ran> run_in_lab(const lab::Kernel& kernel, const std::vector<std::string>& command,
                       std::uint64_t trace_words) {
  Result<lab::Request> request = lab::request_for(command);
  if (!request) return request.error();
  request->trace_words = trace_words;
  const MemoryFile output;
  const MemoryFile errors;
  if (output.fd() < 0 || errors.fd() < 0)
    return Error{"cannot make a file in memory: " + errno_text(errno)};
  Result<std::unique_ptr<lab::Machine>> machine =
      lab::boot(kernel, {.memory_mib = kLabMemory, .cpus = 1, .writable = {}});
  if (!machine) return machine.error();
  lab::SessionOptions options;
  options.input = -1;
  options.output = output.fd();
  options.errors = errors.fd();
  Result<lab::SessionResult> session = lab::run_session(**machine, *request, options);
  if (!session) return session.error();
  (*machine)->finish();
  if (!session->outcome.message.empty()) return Error{session->outcome.message};
  return Ran{*std::move(session), output.text()};
}

}  // namespace

KcovTrial try_kcov(const std::string& path) {
  KcovTrial trial;
  Device device;
  Buffer buffer;
  const auto failed = [&trial](KcovTrial::Step step, std::error_code error) {
    trial.reached = step;
    trial.error = error;
    return static_cast<bool>(error);
  };
  // Beside the device, where this is our kcov.
  trial.sites.before = text_of(path + "_sites");
  trial.sites.sleep_after = text_of(path + "_sleep_after");
  if (failed(KcovTrial::Step::open, device.open(path.c_str()))) return trial;
  if (failed(KcovTrial::Step::initialize, device.initialize(kWords))) return trial;
  if (failed(KcovTrial::Step::map, device.map(buffer))) return trial;
  if (failed(KcovTrial::Step::enable, device.enable(Mode::pcs))) return trial;
  buffer.reset();
  make_a_call();
  const std::span<const std::uint64_t> pcs = buffer.pcs();
  trial.pcs.assign(pcs.begin(), pcs.end());
  trial.sites.while_traced = text_of(path + "_sites");
  if (failed(KcovTrial::Step::disable, device.disable())) return trial;
  trial.reached = KcovTrial::Step::done;

  trial.comparison_error = device.enable(Mode::comparisons);
  if (trial.comparison_error) return trial;
  buffer.reset();
  make_a_call();
  trial.comparisons = buffer.comparisons().size();
  (void)device.disable();
  return trial;
}

Result<LabTrial> try_lab(const lab::Kernel& kernel) {
  LabTrial trial;
  const Result<Ran> before = run_in_lab(kernel, {"cat", kSleepAfter, kSites}, 0);
  if (!before) return before.error();
  const std::size_t line = before->output.find('\n') + 1;  // of the first file
  trial.command = {"cat", kSites};
  const auto begin = std::chrono::steady_clock::now();
  const Result<Ran> traced = run_in_lab(kernel, trial.command, kLabWords);
  if (!traced) return traced.error();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  trial.sites = {.before = before->output.substr(line),
                 .while_traced = traced->output,
                 .sleep_after = before->output.substr(0, line)};
  const lab::SessionResult& session = traced->session;
  trial.release = session.release;
  trial.build_id = session.build_id;
  trial.pcs = session.pcs;
  for (const lab::TaskTrace& task : session.tasks) {
    trial.records += task.records.size();
    if (trial.untraced.empty()) trial.untraced = task.header.untraced;
  }
  trial.seconds = taken.count();
  return trial;
}

}  // namespace kcov::doctor
