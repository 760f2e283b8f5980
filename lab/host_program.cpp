// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/host_program.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "port/host/trace_file.hpp"
#include "support/files.hpp"
#include "support/interrupt.hpp"

namespace kcov::lab {
namespace {

using host::TraceFileHeader;
using host::TraceFileModule;
using host::TraceFileState;

// The file, mapped by us too. The traced program can write anything to it at any time:
// every number is copied out once and bounded by what we made.
class TraceFile {
 public:
  static Result<TraceFile> create(std::uint64_t words) {
    const std::size_t bytes = host::trace_file_bytes(words);
    const int fd = ::memfd_create("kcov-trace", MFD_ALLOW_SEALING);
    // Sealed, or the program could cut it short and end us with a SIGBUS.
    void* const memory =
        fd >= 0 && ::ftruncate(fd, static_cast<off_t>(bytes)) == 0 &&
                ::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0
            ? ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
            : MAP_FAILED;
    if (memory == MAP_FAILED) {
      const int error = errno;
      if (fd >= 0) ::close(fd);
      return Error{"cannot make a trace file: " + errno_text(error)};
    }
    TraceFile file(fd, static_cast<char*>(memory), words);
    file.header().magic = host::kTraceFileMagic;
    file.header().version = host::kTraceFileVersion;
    file.header().words = words;
    return file;
  }
  TraceFile(TraceFile&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), memory_(other.memory_), words_(other.words_) {}
  TraceFile& operator=(TraceFile&&) = delete;
  ~TraceFile() {
    if (fd_ < 0) return;
    ::munmap(memory_, host::trace_file_bytes(words_));
    ::close(fd_);
  }

  int fd() const { return fd_; }
  TraceFileHeader& header() const { return *reinterpret_cast<TraceFileHeader*>(memory_); }

  std::vector<std::uint64_t> pcs() const {
    const auto* const buffer =
        reinterpret_cast<const std::uint64_t*>(memory_ + host::kTraceFileBufferOffset);
    const std::uint64_t count = std::min(__atomic_load_n(&buffer[0], __ATOMIC_ACQUIRE), words_ - 1);
    return {buffer + 1, buffer + 1 + count};
  }

  std::vector<HostModule> modules() const {
    std::vector<HostModule> result;
    const std::size_t count = std::min<std::size_t>(header().modules, host::kTraceFileModules);
    for (std::size_t i = 0; i < count; ++i) {
      TraceFileModule module;
      std::memcpy(&module, memory_ + host::trace_file_modules_offset(words_) + i * sizeof module,
                  sizeof module);
      result.push_back({module.start, module.end, module.bias,
                        std::string(module.path, ::strnlen(module.path, sizeof module.path))});
    }
    return result;
  }

 private:
  TraceFile(int fd, char* memory, std::uint64_t words) : fd_(fd), memory_(memory), words_(words) {}
  int fd_;
  char* memory_;
  std::uint64_t words_;
};

[[noreturn]] void become(const Request& request, const TraceFile& file, int output, int errors,
                         int failure) {
  std::vector<char*> argv;
  for (const std::string& argument : request.arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  ::setenv(host::kTraceFileVariable, std::to_string(file.fd()).c_str(), 1);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGXFSZ, SIG_DFL);
  ::dup2(output, 1);
  ::dup2(errors, 2);
  ::execvp(argv[0], argv.data());
  const int error = errno;
  (void)!::write(failure, &error, sizeof error);
  ::_exit(127);
}

}  // namespace

Result<HostTrace> trace_host_program(const Request& request, int output, int errors) {
  Result<TraceFile> file = TraceFile::create(request.trace_words);
  if (!file) return file.error();
  int failure[2];
  if (::pipe2(failure, O_CLOEXEC) != 0) return Error{"cannot make a pipe: " + errno_text(errno)};
  const pid_t child = ::fork();
  if (child < 0) return Error{"cannot make a process: " + errno_text(errno)};
  if (child == 0) become(request, *file, output, errors, failure[1]);
  ::close(failure[1]);
  int status = 0;
  const int ended = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  pid_t reaped;
  while ((reaped = ::waitpid(child, &status, WNOHANG)) == 0) {
    if (interrupted() != 0 && interrupted() != SIGINT) ::kill(child, SIGKILL);
    // The terminal's Ctrl-C reaches the program too, which does with it what it likes.
    pollfd wait{ended, POLLIN, 0};
    ::poll(&wait, 1, 200);
  }
  const int not_reaped = reaped < 0 ? errno : 0;
  if (ended >= 0) ::close(ended);
  int error = 0;
  const bool failed = ::read(failure[0], &error, sizeof error) == sizeof error;
  ::close(failure[0]);
  if (failed) {
    return Error{fmt::format("cannot run {}: {}", request.arguments[0], errno_text(error)),
                 error == ENOENT || error == ENOTDIR ? 127 : 126};
  }

  if (interrupted() != 0 && interrupted() != SIGINT) {
    return interruption();
  }

  if (not_reaped != 0) {
    return Error{
        fmt::format("cannot tell how {} ended: {}", request.arguments[0], errno_text(not_reaped))};
  }
  const TraceFileHeader header = file->header();
  const auto state = static_cast<TraceFileState>(header.state);
  if (state == TraceFileState::created) {
    return Error{
        fmt::format("{} has no kcov: link it with kcov_host, and compile what is to be "
                    "traced with -fsanitize-coverage=trace-pc",
                    request.arguments[0])};
  }
  if (state == TraceFileState::failed) {
    return Error{fmt::format("{} could not begin to trace: {}", request.arguments[0],
                             errno_text(static_cast<int>(header.error)))};
  }
  HostTrace trace;
  trace.outcome.status = static_cast<std::uint64_t>(WIFSIGNALED(status) ? 128 + WTERMSIG(status)
                                                                        : WEXITSTATUS(status));
  trace.pcs = file->pcs();
  trace.capacity = request.trace_words - 1;
  if (state == TraceFileState::finished) trace.dropped = header.dropped;
  trace.load_bias = header.load_bias;
  trace.modules = file->modules();
  return trace;
}

symbol::Locations locate(const HostTrace& trace) {
  symbol::Locations locations(trace.pcs.size());
  for (std::size_t i = 0; i < locations.size(); ++i) locations[i].pc = trace.pcs[i];
  for (const HostModule& module : trace.modules) {
    std::vector<std::size_t> records;
    std::vector<std::uint64_t> addresses;
    for (std::size_t i = 0; i < trace.pcs.size(); ++i) {
      const std::uint64_t address = trace.pcs[i] + trace.load_bias;
      if (address < module.start || address >= module.end) continue;
      records.push_back(i);
      addresses.push_back(address - module.bias);
    }
    if (records.empty()) continue;
    // The program wrote that path: it may be a pipe on which opening waits for ever.
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(module.path, ignored)) continue;
    Result<symbol::Image> image = symbol::Image::open(module.path);
    if (!image) continue;
    const symbol::Locations found = image->locate(addresses);
    locations.adopt_all_of(found);
    for (std::size_t i = 0; i < records.size(); ++i) {
      locations[records[i]] = found[i];
      locations[records[i]].pc = trace.pcs[records[i]];
    }
  }
  return locations;
}

}  // namespace kcov::lab
