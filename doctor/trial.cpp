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
  if (failed(KcovTrial::Step::open, device.open(path.c_str()))) return trial;
  if (failed(KcovTrial::Step::initialize, device.initialize(kWords))) return trial;
  if (failed(KcovTrial::Step::map, device.map(buffer))) return trial;
  if (failed(KcovTrial::Step::enable, device.enable(Mode::pcs))) return trial;
  buffer.reset();
  make_a_call();
  const std::span<const std::uint64_t> pcs = buffer.pcs();
  trial.pcs.assign(pcs.begin(), pcs.end());
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
  const auto begin = std::chrono::steady_clock::now();
  LabTrial trial;
  trial.command = {"cat", "/sys/kernel/debug/kcov_sites"};
  Result<lab::Request> request = lab::request_for(trial.command);
  if (!request) return request.error();
  request->trace_words = kLabWords;
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
  const Result<lab::SessionResult> session = lab::run_session(**machine, *request, options);
  if (!session) return session.error();
  (*machine)->finish();
  if (!session->outcome.message.empty()) return Error{session->outcome.message};
  trial.sites = output.text();
  trial.release = session->release;
  trial.build_id = session->build_id;
  trial.pcs = session->pcs;
  for (const lab::TaskTrace& task : session->tasks) {
    trial.records += task.records.size();
    if (trial.untraced.empty()) trial.untraced = task.header.untraced;
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  trial.seconds = taken.count();
  return trial;
}

}  // namespace kcov::doctor
