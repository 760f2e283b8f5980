// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The traced program's side of a trace file (trace_file.hpp).
#include "port/host/trace_file.hpp"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port/host/area.hpp"
#include "port/host/host_port.hpp"
#include "port/host/modules.hpp"

namespace kcov::host {

namespace {

// Set once, before main(), by the process that claimed the file.
TraceFileHeader* header = nullptr;
TraceFileModule* modules = nullptr;
LocalArea area;
HostDescriptor* descriptor = nullptr;

void say(TraceFileState state) {
  // Release: whoever reads the state sees what was written before it.
  __atomic_store_n(&header->state, static_cast<std::uint32_t>(state), __ATOMIC_RELEASE);
}

// The variable's number, or -1. The program itself is not to see the variable.
int take_variable() {
  const char* const text = getenv(kTraceFileVariable);
  if (text == nullptr) return -1;
  char* end = nullptr;
  const long number = strtol(text, &end, 10);
  const bool valid = end != text && *end == '\0' && number >= 0 && number <= INT32_MAX;
  unsetenv(kTraceFileVariable);
  return valid ? static_cast<int>(number) : -1;
}

// Reads the header of `fd`: false when it is no trace file, and so nobody's business
// of ours.
bool is_trace_file(int fd, TraceFileHeader& copy) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
         pread(fd, &copy, sizeof copy, 0) == static_cast<ssize_t>(sizeof copy) &&
         copy.magic == kTraceFileMagic;
}

// Maps the trace file `fd`, whose header was `copy`. The buffer's words, or 0 when
// the file is not as it should be or another process has it. It may be sealed: it is
// neither cut nor lengthened.
std::uint64_t claim(int fd, const TraceFileHeader& copy) {
  if (copy.version != kTraceFileVersion || copy.words > KCOV_MAX_WORDS) return 0;
  const std::size_t bytes = trace_file_bytes(copy.words);
  struct stat status;
  if (fstat(fd, &status) != 0 || static_cast<std::size_t>(status.st_size) < bytes) return 0;
  void* const file = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (file == MAP_FAILED) return 0;
  header = static_cast<TraceFileHeader*>(file);
  auto expected = static_cast<std::uint32_t>(TraceFileState::created);
  if (!__atomic_compare_exchange_n(&header->state, &expected,
                                   static_cast<std::uint32_t>(TraceFileState::claimed), false,
                                   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
    munmap(file, bytes);
    header = nullptr;
    return 0;
  }
  auto* const start = static_cast<unsigned char*>(file);
  const std::size_t modules_offset = trace_file_modules_offset(copy.words);
  modules = reinterpret_cast<TraceFileModule*>(start + modules_offset);
  area = {start + kTraceFileBufferOffset, modules_offset - kTraceFileBufferOffset, true};
  return copy.words;
}

void finish() {
  add_modules(*header, modules);
  const auto dropped = reinterpret_cast<std::uintptr_t>(&header->dropped);
  if (descriptor->control(KCOV_GET_DROPPED, dropped) == 0) say(TraceFileState::finished);
}

// A forked child ends too, but the file is its parent's.
void finish_own() {
  if (header->process == static_cast<std::uint32_t>(getpid())) finish();
}

int begin(std::uint64_t words) {
  descriptor = HostDescriptor::open();
  if (descriptor == nullptr) return ENOMEM;
  int result = 0;
  {
    BackingScope scope({-1, &area});
    result = descriptor->control(KCOV_INIT_TRACE, words);
  }
  if (result != 0) return -result;
  if (atexit(finish_own) != 0) return ENOMEM;
  if (!watch_thread_exit()) return EBUSY;
  say(TraceFileState::tracing);
  return -descriptor->control(KCOV_ENABLE, KCOV_TRACE_PC);
}

}  // namespace

void start_trace_file() noexcept {
  const int fd = take_variable();
  TraceFileHeader copy;
  if (fd < 0 || !is_trace_file(fd, copy)) return;
  const std::uint64_t words = claim(fd, copy);
  // The program did not ask for it and must not find it among its descriptors,
  // claimed or not. What is not a trace file is the program's own.
  close(fd);
  if (words == 0) return;
  header->process = static_cast<std::uint32_t>(getpid());
  header->load_bias = load_bias;
  add_modules(*header, modules);
  const int error = begin(words);
  if (error == 0) return;
  header->error = static_cast<std::uint32_t>(error);
  say(TraceFileState::failed);
}

}  // namespace kcov::host
