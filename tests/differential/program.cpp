// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "program.hpp"

#include <fcntl.h>
#include <kcov/uapi.h>
#include <sys/mman.h>

#include <array>
#include <initializer_list>
#include <random>
#include <sstream>

#include "port/linux/test/kcov_test.h"

namespace kcov::differential {
namespace {

constexpr const char* kNames[] = {"open",   "close",   "dup",    "init",    "map",  "unmap",
                                  "enable", "disable", "remote", "unknown", "work", "section",
                                  "end",    "fork",    "exit",   "exec"};
static_assert(std::size(kNames) == static_cast<std::size_t>(Kind::count));

// How often each is drawn.
constexpr unsigned kWeights[] = {10, 6, 4, 14, 12, 3, 18, 16, 12, 2, 30, 14, 2, 3, 1, 1};
static_assert(std::size(kWeights) == std::size(kNames));

class Draw {
 public:
  Draw(std::uint64_t seed, std::uint64_t index) : random_(seed * 1000003 + index) {}
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  // The first is the usual one: half of all.
  std::uint64_t of(std::initializer_list<std::uint64_t> values) {
    return below(2) == 0 ? *values.begin() : *(values.begin() + below(values.size()));
  }
  Kind kind() {
    unsigned sum = 0;
    for (const unsigned weight : kWeights) sum += weight;
    std::uint64_t point = below(sum);
    std::uint32_t kind = 0;
    while (point >= kWeights[kind]) point -= kWeights[kind++];
    return static_cast<Kind>(kind);
  }

 private:
  std::mt19937_64 random_;
};

Operation draw(Draw& from) {
  Operation operation;
  operation.kind = from.kind();
  operation.actor = static_cast<std::uint32_t>(from.of({0, 1, 2, 3}));
  std::uint64_t* const arguments = operation.arguments;
  arguments[0] = from.below(kSlots);
  switch (operation.kind) {
    case Kind::open: arguments[1] = from.of({O_RDWR, O_RDONLY, O_WRONLY}); break;
    case Kind::dup: arguments[1] = from.below(kSlots); break;
    case Kind::init:
      arguments[1] = from.of({512, 4096, 1024, 2, 3, 8, 513, 1, 0, 268435456, ~0ull, 1ull << 32});
      break;
    case Kind::map:
      arguments[1] = from.of({4096, 32768, 8192, 12288, 1, 0});
      arguments[2] = from.below(kMaps);
      arguments[3] = from.of({PROT_READ | PROT_WRITE, PROT_READ});
      break;
    case Kind::unmap: arguments[0] = from.below(kMaps); break;
    case Kind::enable: arguments[1] = from.of({KCOV_TRACE_PC, KCOV_TRACE_CMP, 2, ~0ull}); break;
    case Kind::disable: arguments[1] = from.of({0, 0, 0, 1, 1ull << 32}); break;
    case Kind::remote_enable:
      arguments[1] = from.below(10);
      arguments[2] = from.of({64, 4096, 1, 9});
      arguments[3] = from.of({KCOV_TRACE_PC, KCOV_TRACE_CMP, 7});
      break;
    case Kind::unknown: arguments[1] = from.of({0x80046301, 0x6366, 0, 0x6368}); break;
    case Kind::work:
      arguments[0] = from.below(kMaps);
      // Not ~0: there stock stores a PC over word 0, and ours does not (contract 26).
      arguments[1] = from.of({0, 1, 100, 126, 127, 510, 511, 512, 1023, 4094, 4095, 1ull << 32,
                              1ull << 59, (1ull << 59) - 1, 1ull << 61, ~0ull - 1});
      break;
    case Kind::section:
      arguments[0] = from.of(
          {KCOV_TEST_KTHREAD, KCOV_TEST_WORK, KCOV_TEST_TASKLET, KCOV_TEST_HARD, KCOV_TEST_TIMER});
      arguments[1] = from.of({KCOV_SUBSYSTEM_USB | 1, 1, KCOV_SUBSYSTEM_USB | 2, 2, 0});
      break;
    case Kind::fork: operation.actor = 0; break;
    case Kind::exit:
    case Kind::exec: operation.actor = kChild; break;
    case Kind::end_thread: operation.actor = static_cast<std::uint32_t>(1 + from.below(2)); break;
    case Kind::close:
    case Kind::count: break;
  }
  return operation;
}

}  // namespace

Program generate(std::uint64_t seed, std::uint64_t index, std::size_t length) {
  Draw from(seed, index);
  Program program(length);
  for (Operation& operation : program) operation = draw(from);
  return program;
}

std::string to_text(const Program& program) {
  std::ostringstream text;
  for (const Operation& operation : program) {
    text << operation.actor << ' ' << kNames[static_cast<std::size_t>(operation.kind)];
    for (const std::uint64_t argument : operation.arguments) text << " 0x" << std::hex << argument;
    text << std::dec << '\n';
  }
  return text.str();
}

bool from_text(const std::string& text, Program& program) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    Operation operation;
    std::string name;
    words >> operation.actor >> name;
    std::size_t kind = 0;
    while (kind < std::size(kNames) && name != kNames[kind]) ++kind;
    for (std::uint64_t& argument : operation.arguments) words >> std::hex >> argument;
    if (!words || kind == std::size(kNames) || operation.actor >= kActors) return false;
    operation.kind = static_cast<Kind>(kind);
    program.push_back(operation);
  }
  return true;
}

}  // namespace kcov::differential
