// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "rules.hpp"

#include <sys/wait.h>

#include <cstdio>
#include <cstring>
#include <thread>

namespace kcov::conformance {

namespace {
int failure_count = 0;
}

std::vector<Rule>& rules() {
  static std::vector<Rule> list;
  return list;
}

void expect_equal(long long found, long long expected, const char* what, const char* file,
                  int line) {
  if (found == expected) return;
  ++failure_count;
  const char* const slash = std::strrchr(file, '/');
  std::printf("  %s:%d: %s: found %lld, expected %lld\n", slash == nullptr ? file : slash + 1, line,
              what, found, expected);
}

int failures() { return failure_count; }

void not_here(const char* reason) { std::printf("  not here: %s\n", reason); }

void stock_differs(const char* how) { std::printf("  stock differs: %s\n", how); }

Map::Map(const File& file, std::size_t bytes, int protection, int flags, off_t offset,
         void* address)
    : memory_(sys_mmap(address, bytes, protection, flags, file.fd(), offset)),
      error_(memory_ == MAP_FAILED ? -errno : 0),
      bytes_(bytes) {}

Map::~Map() {
  if (error_ == 0) ::munmap(memory_, bytes_);
}

void Map::clear() const {
  for (std::size_t word = 0; word < bytes_ / 8; ++word) store(word, 0);
}

std::size_t Map::own_pcs(std::size_t count) const {
  if (count > load(0)) count = load(0);
  std::size_t own = 0;
  for (std::size_t record = 1; record <= count; ++record) own += is_own(load(record));
  return own;
}

std::size_t Map::pcs_within(const kcov_test_range& range) const {
  std::size_t found = 0;
  for (std::size_t record = 1; record <= load(0); ++record)
    found += load(record) >= range.begin && load(record) < range.end;
  return found;
}

bool is_own(std::uint64_t pc) {
  static const kcov_test_range range = TestFile::ranges().target;
  return pc > range.begin && pc < range.end;
}

kcov_test_program program_of(const Steps& steps, bool asynchronous) {
  kcov_test_program program{};
  program.count = static_cast<std::uint32_t>(steps.list().size());
  program.asynchronous = asynchronous ? 1 : 0;
  for (std::size_t i = 0; i < steps.list().size() && i < KCOV_TEST_STEPS; ++i)
    program.steps[i] = steps.list()[i];
  return program;
}

long run(const Steps& steps, std::uint64_t* result) {
  kcov_test_program program = program_of(steps);
  TestFile file;
  const long status = file.run(program);
  if (result != nullptr) *result = program.result;
  return status;
}

long megabytes_in_use() {
  long megabytes = -1;
  if (subject.host) {
    std::FILE* const file = std::fopen("/proc/self/statm", "r");
    long pages = 0;
    if (std::fscanf(file, "%ld", &pages) == 1) megabytes = pages / 256;
    std::fclose(file);
    return megabytes;
  }
  long total = 0;
  long available = 0;
  std::FILE* const file = std::fopen("/proc/meminfo", "r");
  if (std::fscanf(file, "MemTotal: %ld kB MemFree: %*d kB MemAvailable: %ld kB", &total,
                  &available) == 2)
    megabytes = (total - available) / 1024;
  std::fclose(file);
  return megabytes;
}

void work() {
  // One file for all: its open and close would be recorded too.
  static TestFile& file = *new TestFile;
  kcov_test_program program{};
  program.count = 1;
  program.steps[0] = {KCOV_TEST_BLOCKS, 0, 2};
  EXPECT(file.run(program), 0);
}

std::size_t pcs_of_work() {
  static const std::size_t count = [] {
    const File file;
    EXPECT(file.init(), 0);
    const Map map(file);
    map.clear();
    EXPECT(file.enable(), 0);
    work();
    EXPECT(file.disable(), 0);
    EXPECT(map.own_pcs() > 0, true);  // else most rules would say nothing
    return map.own_pcs();
  }();
  return count;
}

int in_child(const std::function<int()>& body) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

long in_thread(const std::function<long()>& body) {
  long result = 0;
  std::thread([&] { result = body(); }).join();
  return result;
}

RawArgument::RawArgument(const RemoteArgument& argument) : words_(3 + argument.handles.size()) {
  arg().trace_mode = argument.mode;
  arg().area_size = argument.area_size;
  arg().num_handles = static_cast<std::uint32_t>(argument.handles.size());
  arg().common_handle = argument.common;
  for (std::size_t i = 0; i < argument.handles.size(); ++i) words_[3 + i] = argument.handles[i];
}

long remote_enable(const File& file, const RemoteArgument& argument) {
  return RawArgument(argument).enable(file);
}

}  // namespace kcov::conformance
