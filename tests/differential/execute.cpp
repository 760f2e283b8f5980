// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "execute.hpp"

#include <errno.h>
#include <fcntl.h>
#include <kcov/uapi.h>
#include <linux/futex.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <kcov/device.hpp>
#include <memory>
#include <thread>

#include "port/linux/test/kcov_test.h"

namespace kcov::differential {
namespace {

long result_of(long value) { return value < 0 ? -errno : value; }

// What an actor and the one that tells it share; in memory that a forked child has too.
struct Cell {
  std::uint32_t turn;  // even: the actor waits; odd: it has an operation
  Operation operation;
  char result[3800];
};

void wait_for_change(std::uint32_t* word, std::uint32_t value) {
  while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value)
    ::syscall(SYS_futex, word, FUTEX_WAIT, value, nullptr, nullptr, 0);
}

void advance(std::uint32_t* word) {
  __atomic_fetch_add(word, 1, __ATOMIC_RELEASE);
  ::syscall(SYS_futex, word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

struct Buffer {
  std::uint64_t* words = nullptr;
  std::size_t bytes = 0;
  bool writable = false;
};

// What an actor is bound to, by the answers it got: a thread that is both local and
// remote is where ours and stock differ on purpose (contract 22), so nobody asks for that.
struct Bound {
  bool local = false;
  bool remote = false;
};

// All of a process; a forked child has a copy.
struct World {
  int files[kSlots];
  Buffer maps[kMaps];
  Bound bound[kActors];
  int test = -1;
  kcov_test_range target{};
};

class Actor {
 public:
  Actor(World& world, std::uint32_t number) : world_(world), number_(number) {}

  std::string perform(const Operation& operation) {
    const std::uint64_t* const arguments = operation.arguments;
    switch (operation.kind) {
      case Kind::open: return open(arguments[0], static_cast<int>(arguments[1]));
      case Kind::close: return close(arguments[0]);
      case Kind::dup: return dup(arguments[0], arguments[1]);
      case Kind::init: return ioctl(arguments[0], KCOV_INIT_TRACE, arguments[1]);
      case Kind::map: return map(arguments);
      case Kind::unmap: return unmap(world_.maps[arguments[0]]);
      case Kind::enable: return enable(arguments[0], arguments[1]);
      case Kind::disable: return disable(arguments[0], arguments[1]);
      case Kind::remote_enable: return remote_enable(arguments);
      case Kind::unknown: return ioctl(arguments[0], arguments[1], 0);
      case Kind::work: return work(world_.maps[arguments[0]], arguments[1]);
      case Kind::section: return section(arguments[0], arguments[1]);
      default: return "-";
    }
  }

 private:
  static std::string number(long value) { return std::to_string(value); }
  int file(std::uint64_t slot) const { return world_.files[slot]; }

  // A slot keeps its number: what is open in it is closed by what takes its place.
  int place(std::uint64_t slot) {
    if (world_.files[slot] < 0) world_.files[slot] = 200 + static_cast<int>(slot);
    return world_.files[slot];
  }

  std::string open(std::uint64_t slot, int flags) {
    const int fd = ::open(kDevicePath, flags);
    if (fd < 0) return number(-errno);
    ::dup2(fd, place(slot));
    ::close(fd);
    return "0";
  }

  std::string dup(std::uint64_t from, std::uint64_t to) {
    const long result = result_of(::dup2(file(from), place(to)));
    return number(result < 0 ? result : 0);
  }

  std::string close(std::uint64_t slot) {
    const long result = result_of(::close(file(slot)));
    world_.files[slot] = -1;
    return number(result);
  }

  std::string ioctl(std::uint64_t slot, std::uint64_t command, std::uint64_t argument) const {
    return number(result_of(::ioctl(file(slot), command, argument)));
  }

  std::string map(const std::uint64_t* arguments) {
    Buffer& buffer = world_.maps[arguments[2]];
    unmap(buffer);
    const int protection = static_cast<int>(arguments[3]);
    void* const at = ::mmap(nullptr, arguments[1], protection, MAP_SHARED, file(arguments[0]), 0);
    if (at == MAP_FAILED) return number(-errno);
    buffer = {static_cast<std::uint64_t*>(at), (arguments[1] + 4095) / 4096 * 4096,
              (protection & PROT_WRITE) != 0};
    return "0";
  }

  static std::string unmap(Buffer& buffer) {
    if (buffer.words == nullptr) return "-";
    const long result = result_of(::munmap(buffer.words, buffer.bytes));
    buffer = {};
    return number(result);
  }

  std::string enable(std::uint64_t slot, std::uint64_t mode) {
    Bound& bound = world_.bound[number_];
    if (bound.remote) return "not asked: remote already";
    const long result = result_of(::ioctl(file(slot), KCOV_ENABLE, mode));
    if (result == 0) bound.local = true;
    return number(result);
  }

  std::string remote_enable(const std::uint64_t* arguments) {
    Bound& bound = world_.bound[number_];
    if (bound.local) return "not asked: local already";
    constexpr std::uint64_t kUsb = KCOV_SUBSYSTEM_USB;
    const struct {
      std::uint32_t count;
      std::uint64_t common;
      std::uint64_t handles[3];
    } choices[] = {
        {1, 0, {kUsb | 1}},
        {2, 1, {kUsb | 1, kUsb | 2}},
        {0, 1, {}},
        {1, 2, {kUsb | 2}},
        {2, 0, {kUsb | 3, kUsb | 3}},
        {1, kUsb | 1, {kUsb | 4}},
        {2, 0, {kUsb | 5, 0}},
        {257, 0, {}},
        {1, 0, {1}},
        {1, 0, {kUsb | 1ull << 40}},
    };
    const auto& choice = choices[arguments[1]];
    std::uint64_t words[3 + 3] = {};
    auto* const arg = reinterpret_cast<kcov_remote_arg*>(words);
    arg->trace_mode = static_cast<std::uint32_t>(arguments[3]);
    arg->area_size = static_cast<std::uint32_t>(arguments[2]);
    arg->num_handles = choice.count;
    arg->common_handle = choice.common;
    std::memcpy(words + 3, choice.handles, sizeof choice.handles);
    const long result = result_of(::ioctl(file(arguments[0]), KCOV_REMOTE_ENABLE, words));
    if (result == 0) bound.remote = true;
    return number(result);
  }

  std::string disable(std::uint64_t slot, std::uint64_t argument) {
    const long result = result_of(::ioctl(file(slot), KCOV_DISABLE, argument));
    if (result == 0) world_.bound[number_] = {};
    return number(result);
  }

  // Records of the instrumented code, by where in it they lie, in order: the first of them,
  // how many there are, and a sum over all.
  std::string own_records(const Buffer& buffer) const {
    std::string text;
    const std::uint64_t count = __atomic_load_n(buffer.words, __ATOMIC_RELAXED);
    const std::size_t words = buffer.bytes / 8;
    std::uint64_t own = 0;
    std::uint64_t sum = 0xcbf29ce484222325u;
    for (std::size_t record = 1; record <= count && record < words; ++record) {
      const std::uint64_t word = __atomic_load_n(buffer.words + record, __ATOMIC_RELAXED);
      if (word <= world_.target.begin || word >= world_.target.end) continue;
      const std::uint64_t place = word - world_.target.begin;
      ++own;
      sum = (sum ^ place) * 0x100000001b3u;
      if (text.size() < 400) text += ' ' + std::to_string(place);
    }
    return text + " (" + std::to_string(own) + ", " + std::to_string(sum) + ")";
  }

  std::string work(const Buffer& buffer, std::uint64_t value) const {
    if (buffer.words == nullptr) return "-";
    kcov_test_program program{};
    program.count = 2;
    program.steps[0] = {KCOV_TEST_BLOCKS, 0, 3};
    program.steps[1] = {KCOV_TEST_COMPARE, 0, 0};
    if (buffer.writable) __atomic_store_n(buffer.words, value, __ATOMIC_RELAXED);
    const std::uint64_t before = __atomic_load_n(buffer.words, __ATOMIC_RELAXED);
    const long result = result_of(::ioctl(world_.test, KCOV_TEST_RUN, &program));
    const std::uint64_t after = __atomic_load_n(buffer.words, __ATOMIC_RELAXED);
    return number(result) + " +" + std::to_string(after - before) + own_records(buffer);
  }

  std::string section(std::uint64_t context, std::uint64_t handle) const {
    kcov_test_program program{};
    program.count = 5;
    program.steps[0] = {KCOV_TEST_ENTER, 4, context};
    program.steps[1] = {KCOV_TEST_START, 0, handle};
    program.steps[2] = {KCOV_TEST_BLOCKS, 0, 2};
    program.steps[3] = {KCOV_TEST_COMPARE, 0, 0};
    program.steps[4] = {KCOV_TEST_STOP, 0, 0};
    std::string text = number(result_of(::ioctl(world_.test, KCOV_TEST_RUN, &program)));
    for (const Buffer& buffer : world_.maps)
      text += buffer.words == nullptr ? " -" : " |" + own_records(buffer);
    return text;
  }

  World& world_;
  std::uint32_t number_;
};

// Waits for operations in `cell` and performs them, until one ends the actor.
void serve(World& world, std::uint32_t number, Cell& cell) {
  Actor actor(world, number);
  for (;;) {
    wait_for_change(&cell.turn, __atomic_load_n(&cell.turn, __ATOMIC_ACQUIRE) & ~1u);
    const Operation operation = cell.operation;
    if (operation.kind == Kind::end_thread) {
      world.bound[number] = {};
      return;
    }
    if (operation.kind == Kind::exit) ::_exit(0);
    if (operation.kind == Kind::exec) {
      std::vector<std::string> words = {"kcov_differential", "--after-exec"};
      for (const int fd : world.files) words.push_back(std::to_string(fd));
      std::vector<char*> argv;
      for (std::string& word : words) argv.push_back(word.data());
      argv.push_back(nullptr);
      ::execv("/proc/self/exe", argv.data());
      ::_exit(99);
    }
    const std::string result = actor.perform(operation);
    std::snprintf(cell.result, sizeof cell.result, "%s", result.c_str());
    advance(&cell.turn);
  }
}

class Runner {
 public:
  Runner() {
    void* const memory = ::mmap(nullptr, kActors * sizeof(Cell), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cells_ = static_cast<Cell*>(memory);
    for (int& file : world_.files) file = -1;
    world_.test = ::open("/sys/kernel/debug/kcov_test", O_RDWR);
    kcov_test_ranges ranges{};
    if (::ioctl(world_.test, KCOV_TEST_RANGES, &ranges) != 0) ::_exit(3);
    world_.target = ranges.target;
    for (std::uint32_t number = 1; number < kThreads; ++number) begin_thread(number);
  }

  std::string perform(const Operation& operation) {
    switch (operation.kind) {
      case Kind::fork: return begin_child();
      case Kind::exit:
      case Kind::exec: return end_child(operation);
      case Kind::end_thread: return end_thread(operation);
      default: break;
    }
    if (operation.actor == 0) return Actor(world_, 0).perform(operation);
    if (operation.actor == kChild && child_ < 0) return "-";
    Cell& cell = cells_[operation.actor];
    cell.operation = operation;
    const std::uint32_t turn = cell.turn + 1;
    advance(&cell.turn);
    wait_for_change(&cell.turn, turn);
    return cell.result;
  }

  void end() {
    if (child_ >= 0) end_child({kChild, Kind::exit, {}});
    for (std::uint32_t number = 1; number < kThreads; ++number) stop(number);
  }

 private:
  void begin_thread(std::uint32_t number) {
    cells_[number].turn = 0;
    threads_[number] = std::thread([this, number] { serve(world_, number, cells_[number]); });
  }

  void stop(std::uint32_t number) {
    cells_[number].operation = {number, Kind::end_thread, {}};
    advance(&cells_[number].turn);
    threads_[number].join();
  }

  std::string end_thread(const Operation& operation) {
    stop(operation.actor);
    begin_thread(operation.actor);
    return "0";
  }

  std::string begin_child() {
    if (child_ >= 0) return "-";
    cells_[kChild].turn = 0;
    world_.bound[kChild] = {};
    child_ = ::fork();
    if (child_ == 0) {
      serve(world_, kChild, cells_[kChild]);
      ::_exit(0);
    }
    return child_ > 0 ? "0" : number(-errno);
  }

  std::string end_child(const Operation& operation) {
    if (child_ < 0) return "-";
    cells_[kChild].operation = operation;
    advance(&cells_[kChild].turn);
    int status = 0;
    ::waitpid(child_, &status, 0);
    child_ = -1;
    return number(status);
  }

  static std::string number(long value) { return std::to_string(value); }

  World world_;
  Cell* cells_ = nullptr;
  std::thread threads_[kThreads];
  pid_t child_ = -1;
};

}  // namespace

std::vector<std::string> execute(const Program& program) {
  int ends[2];
  if (::pipe(ends) != 0) return {};
  std::fflush(stdout);
  const pid_t process = ::fork();
  if (process == 0) {
    ::close(ends[0]);
    Runner runner;
    std::string text;
    for (const Operation& operation : program) text += runner.perform(operation) + '\n';
    runner.end();
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t n = ::write(ends[1], text.data() + at, text.size() - at);
      if (n <= 0) ::_exit(2);
      at += static_cast<std::size_t>(n);
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text;
  char block[65536];
  ssize_t n;
  while ((n = ::read(ends[0], block, sizeof block)) > 0)
    text.append(block, static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(process, &status, 0);
  if (status != 0) return {};
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

int after_exec(int count, char** descriptors) {
  int enabled = 0;
  for (int i = 0; i < count; ++i)
    enabled += ::ioctl(std::atoi(descriptors[i]), KCOV_DISABLE, 0) == 0;
  return enabled;
}

}  // namespace kcov::differential
