// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What the tool and the agent say to each other over one byte stream (a serial line
// of the machine, or a socket on the native one).
//
//   +------+--------+-----------------+
//   | type | length |   payload       |     u8, u32, `length` bytes; little-endian
//   +------+--------+-----------------+
//
//   agent -> tool   hello                      the machine is up
//   tool  -> agent  start                      a Request
//   both            input, output, errors      the command's standard streams, as bytes
//   tool  -> agent  input_file                 more input: the number of a file in the spool
//   agent -> tool   input_taken                one of these two was taken; with its number, or 0
//   tool  -> agent  input_end                  end of its standard input
//   tool  -> agent  signal                     its number: for all that runs of the command
//   agent -> tool   heartbeat                  once a second: the machine is alive
//   agent -> tool   task                       a TaskHeader: a task that is traced, or is not
//   agent -> tool   program                    a TaskProgram: what it runs from here on
//   agent -> tool   call                       a TaskCall (task_call.hpp), if the request asks
//   agent -> tool   pcs                        PCs that were not recorded before, 8 bytes each
//   agent -> tool   records                    of a task, as numbers of PCs: from 0 on, in the
//                                              order in which these came (record_frames.hpp)
//   agent -> tool   ring                       the number of a ring: more records may be put there
//   agent -> tool   ring_records               a task, and how many of its records were, as PCs
//                                              (record_ring.hpp)
//   agent -> tool   task_end                   a TaskEnd
//   agent -> tool   modules                    LoadedModules, before the command of a trace runs
//                                              and after it, if there are any
//   agent -> tool   finished                   an Outcome; the last frame
//
// User-mode Linux reads its serial line byte by byte, a megabyte a second. So input of
// more than a few bytes goes by way of a directory of the host that the agent sees too.
//
// The payload of a hello and of the structures below is written by Encoder and read
// by Decoder: integers as u64, strings as a length and bytes, lists as a count.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace kcov::lab {

enum class FrameType : std::uint8_t {
  hello = 1,
  start,
  input,
  input_file,
  input_taken,
  input_end,
  signal,
  output,
  errors,
  heartbeat,
  task,
  program,
  call,
  pcs,
  records,
  ring,
  ring_records,
  task_end,
  modules,
  finished,
};

inline constexpr std::size_t kFrameHeaderBytes = 5;
// Longer payloads are split, or (a request) refused.
inline constexpr std::size_t kMaxPayload = 1 << 24;

struct Frame {
  FrameType type{};
  std::string payload;
};

inline std::string frame_header(FrameType type, std::size_t payload_bytes) {
  std::string bytes(kFrameHeaderBytes, '\0');
  bytes[0] = static_cast<char>(type);
  const auto length = static_cast<std::uint32_t>(payload_bytes);
  std::memcpy(&bytes[1], &length, sizeof length);
  return bytes;
}

inline std::string encode_frame(FrameType type, std::string_view payload) {
  return frame_header(type, payload.size()).append(payload);
}

// Takes the first whole frame off `stream`. -1: the bytes are no frame, 0: not there yet.
inline int take_frame(std::string& stream, Frame& frame) {
  if (stream.size() < kFrameHeaderBytes) return 0;
  std::uint32_t length;
  std::memcpy(&length, &stream[1], sizeof length);
  const auto type = static_cast<std::uint8_t>(stream[0]);
  if (type < static_cast<std::uint8_t>(FrameType::hello) ||
      type > static_cast<std::uint8_t>(FrameType::finished) || length > kMaxPayload) {
    return -1;
  }
  if (stream.size() < kFrameHeaderBytes + length) return 0;
  frame.type = static_cast<FrameType>(type);
  frame.payload = stream.substr(kFrameHeaderBytes, length);
  stream.erase(0, kFrameHeaderBytes + length);
  return 1;
}

class Encoder {
 public:
  Encoder& integer(std::uint64_t value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Encoder& text(std::string_view value) {
    integer(value.size());
    bytes_ += value;
    return *this;
  }
  Encoder& list(const std::vector<std::string>& values) {
    integer(values.size());
    for (const std::string& value : values) text(value);
    return *this;
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t integer() {
    std::uint64_t value = 0;
    if (bytes_.size() < sizeof value) {
      good_ = false;
      return 0;
    }
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_.remove_prefix(sizeof value);
    return value;
  }
  std::string text() {
    const std::uint64_t length = integer();
    if (length > bytes_.size()) {
      good_ = false;
      return {};
    }
    std::string value(bytes_.substr(0, length));
    bytes_.remove_prefix(length);
    return value;
  }
  std::vector<std::string> list() {
    std::vector<std::string> values;
    for (std::uint64_t left = integer(); left > 0; --left) {
      values.push_back(text());
      if (!good_) return {};
    }
    return values;
  }
  // What has not been read yet.
  std::string_view rest() const { return bytes_; }
  // Whether everything that was asked for was there.
  bool good() const { return good_; }

 private:
  std::string_view bytes_;
  bool good_ = true;
};

// The file in the spool that an input_file frame with this number means.
inline std::string spool_name(std::uint64_t number) { return "input." + std::to_string(number); }
// The environment variable that names the spool to the agent, on a machine that sees it
// under its name on the host.
inline constexpr const char* kSpoolVariable = "KCOV_SPOOL";
// The environment variable that tells the agent what machine it is on; without it: um.
inline constexpr const char* kMachineVariable = "KCOV_MACHINE";

// On x86_64 the host's directories are shared over 9p, each under a tag.
inline constexpr const char* kRootTag = "host";
inline constexpr const char* kSpoolTag = "spool";
inline std::string writable_tag(std::size_t index) { return "write" + std::to_string(index); }
// access=any: as one user, the host's; its root sees what the caller of the tool may see.
// msize is the most that the virtio transport takes in one message.
inline constexpr const char* k9pOptions = "trans=virtio,version=9p2000.L,access=any,msize=512000";

struct Request {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::string directory;
  std::vector<std::string> writable;  // host directories to be written through to
  bool own_streams = false;           // the command inherits the agent's standard streams,
  bool output_to_errors = false;      // its standard output being standard error
  std::uint64_t trace_words = 0;      // size of the kcov buffer; 0: do not trace
  bool calls = false;                 // what system calls were given and answered, too
};

inline std::string encode(const Request& request) {
  return Encoder()
      .list(request.arguments)
      .list(request.environment)
      .text(request.directory)
      .list(request.writable)
      .integer(request.own_streams ? 1 : 0)
      .integer(request.output_to_errors ? 1 : 0)
      .integer(request.trace_words)
      .integer(request.calls ? 1 : 0)
      .take();
}

inline bool decode(std::string_view bytes, Request& request) {
  Decoder decoder(bytes);
  request.arguments = decoder.list();
  request.environment = decoder.list();
  request.directory = decoder.text();
  request.writable = decoder.list();
  request.own_streams = decoder.integer() != 0;
  request.output_to_errors = decoder.integer() != 0;
  request.trace_words = decoder.integer();
  request.calls = decoder.integer() != 0;
  return decoder.good() && !request.arguments.empty();
}

// A task of the command: its first thread, or any that was made later.
struct TaskHeader {
  std::uint64_t number = 0;  // in the trace, from 0 on, in the order in which they were made
  std::uint64_t id = 0;      // of the thread, and
  std::uint64_t process = 0;
  std::uint64_t parent = 0;    // process; of the first task: 0
  std::uint64_t capacity = 0;  // PCs that its buffer holds
  std::string untraced;        // why it is not traced; empty: it is
};

inline std::string encode(const TaskHeader& header) {
  return Encoder()
      .integer(header.number)
      .integer(header.id)
      .integer(header.process)
      .integer(header.parent)
      .integer(header.capacity)
      .text(header.untraced)
      .take();
}

inline bool decode(std::string_view bytes, TaskHeader& header) {
  Decoder decoder(bytes);
  header.number = decoder.integer();
  header.id = decoder.integer();
  header.process = decoder.integer();
  header.parent = decoder.integer();
  header.capacity = decoder.integer();
  header.untraced = decoder.text();
  return decoder.good();
}

// What a task has become by exec.
struct TaskProgram {
  std::uint64_t number = 0;
  std::uint64_t records = 0;  // that the task had made until then
  std::vector<std::string> arguments;
};

inline std::string encode(const TaskProgram& program) {
  return Encoder().integer(program.number).integer(program.records).list(program.arguments).take();
}

inline bool decode(std::string_view bytes, TaskProgram& program) {
  Decoder decoder(bytes);
  program.number = decoder.integer();
  program.records = decoder.integer();
  program.arguments = decoder.list();
  return decoder.good();
}

struct TaskEnd {
  std::uint64_t number = 0;
  std::uint64_t records = 0;   // that were sent
  bool dropped_known = false;  // a stock kernel cannot tell
  std::uint64_t dropped = 0;   // records that did not fit
  bool was_full = false;       // the buffer was, at some time
};

inline std::string encode(const TaskEnd& end) {
  return Encoder()
      .integer(end.number)
      .integer(end.records)
      .integer(end.dropped_known ? 1 : 0)
      .integer(end.dropped)
      .integer(end.was_full ? 1 : 0)
      .take();
}

inline bool decode(std::string_view bytes, TaskEnd& end) {
  Decoder decoder(bytes);
  end.number = decoder.integer();
  end.records = decoder.integer();
  end.dropped_known = decoder.integer() != 0;
  end.dropped = decoder.integer();
  end.was_full = decoder.integer() != 0;
  return decoder.good();
}

// A kernel module whose code lies at `start`.
struct LoadedModule {
  std::string name;  // as in /proc/modules
  std::uint64_t start = 0;
  std::uint64_t size = 0;  // bytes, of its code at least, and not into the next one's
  std::string build_id;    // lower-case hexadecimal; may be empty

  bool operator==(const LoadedModule&) const = default;
};

struct LoadedModules {
  // Of the kernel's own code (_stext): with KASLR all addresses are moved, and this tells by how
  // much. 0: it is not known.
  std::uint64_t text_start = 0;
  std::vector<LoadedModule> modules;
};

inline std::string encode(const LoadedModules& loaded) {
  Encoder encoder;
  encoder.integer(loaded.text_start).integer(loaded.modules.size());
  for (const LoadedModule& module : loaded.modules)
    encoder.text(module.name).integer(module.start).integer(module.size).text(module.build_id);
  return encoder.take();
}

inline bool decode(std::string_view bytes, LoadedModules& loaded) {
  Decoder decoder(bytes);
  loaded.text_start = decoder.integer();
  for (std::uint64_t left = decoder.integer(); left > 0 && decoder.good(); --left) {
    LoadedModule& module = loaded.modules.emplace_back();
    module.name = decoder.text();
    module.start = decoder.integer();
    module.size = decoder.integer();
    module.build_id = decoder.text();
  }
  return decoder.good();
}

struct Outcome {
  // The command's exit status, or 128 + its signal; 125 to 127 with a message when it
  // could not be run.
  std::uint64_t status = 0;
  std::string message;
};

inline std::string encode(const Outcome& outcome) {
  return Encoder().integer(outcome.status).text(outcome.message).take();
}

inline bool decode(std::string_view bytes, Outcome& outcome) {
  Decoder decoder(bytes);
  outcome.status = decoder.integer();
  outcome.message = decoder.text();
  return decoder.good();
}

}  // namespace kcov::lab
