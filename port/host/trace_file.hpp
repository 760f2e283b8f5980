// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Tracing a program that knows nothing of kcov but is linked with kcov_host: the
// file through which whoever starts it (kcovtool trace --on host) asks for the
// trace and gets it.
//
//   1. The tool makes a file of trace_file_bytes(words), fills in `magic`,
//      `version`, `words` and state `created`, leaves the rest zero, and runs the
//      program with the file inherited and KCOV_HOST_TRACE=<its number> in the
//      environment.
//   2. The first process that is linked with kcov_host and finds it (a shell in
//      between just passes it on) claims it, removes the variable, maps the file
//      and enables PC tracing of its main thread into the buffer, before the
//      program's own constructors run.
//   3. At exit() it adds what it then knows, and says `finished`. A program that is
//      killed or leaves through _exit() or exec stays in `tracing`: what is in the
//      file stands, but `dropped` is not known.
//
// A state that is still `created` when the program has ended means that nothing in
// it was linked with kcov_host. `failed` comes with the errno in `error`.
//
//   offset 0              4096                         trace_file_modules_offset(words)
//     +-------------------+---------------------------+------------------------+
//     | TraceFileHeader   | the buffer: `words` words | kTraceFileModules      |
//     | (one page)        | as KCOV_ENABLE has it     | times TraceFileModule  |
//     +-------------------+---------------------------+------------------------+
//
// Who writes: before `claimed` the tool, afterwards the traced process, which may
// be hostile or mad: the tool must bound everything it reads against its own copy
// of `words`. PCs are less the load bias of the program itself: the address in
// memory is PC + load_bias, and the address in a module's file is that less the
// module's own bias.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kcov::host {

inline constexpr const char* kTraceFileVariable = "KCOV_HOST_TRACE";
inline constexpr std::uint64_t kTraceFileMagic = 0x31656361'72747663;  // "cvtrace1"
inline constexpr std::uint32_t kTraceFileVersion = 1;
inline constexpr std::size_t kTraceFileBufferOffset = 4096;
inline constexpr std::size_t kTraceFileModules = 256;

enum class TraceFileState : std::uint32_t {
  created = 0,
  claimed = 1,
  tracing = 2,
  finished = 3,
  failed = 4,
};

struct TraceFileHeader {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t state;  // TraceFileState; stored last, with release, at each step
  std::uint64_t words;  // size of the buffer, as for KCOV_INIT_TRACE
  // From here on written by the traced process.
  std::uint64_t load_bias;
  std::uint64_t dropped;           // records that did not fit; valid when finished
  std::uint32_t process;           // the traced process's id
  std::uint32_t error;             // errno, when failed
  std::uint32_t modules;           // entries of the table that are filled
  std::uint32_t modules_left_out;  // objects that did not fit into the table
};
static_assert(sizeof(TraceFileHeader) <= kTraceFileBufferOffset);

// An object that was loaded at the start or at exit; one that was unloaded in
// between stays, since PCs of it may be in the buffer.
struct TraceFileModule {
  std::uint64_t start;  // addresses in memory: first byte
  std::uint64_t end;    // and one past the last
  std::uint64_t bias;
  char path[1000];  // ends with a zero byte; longer ones are cut
};
static_assert(sizeof(TraceFileModule) == 1024);

constexpr std::size_t trace_file_modules_offset(std::uint64_t words) {
  constexpr std::size_t kPage = 4096;
  const std::size_t buffer = static_cast<std::size_t>(words) * sizeof(std::uint64_t);
  return kTraceFileBufferOffset + (buffer + kPage - 1) / kPage * kPage;
}
constexpr std::size_t trace_file_bytes(std::uint64_t words) {
  return trace_file_modules_offset(words) + kTraceFileModules * sizeof(TraceFileModule);
}

}  // namespace kcov::host
