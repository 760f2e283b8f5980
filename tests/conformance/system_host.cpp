// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The user-space port: threads are tasks and kernel threads, a signal's handler is a hard
// interrupt. A process has no soft interrupts.
#include <errno.h>
#include <fcntl.h>
#include <kcov/host.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "system.hpp"

#ifdef KCOV_TEST_PRELOADED
// As an unmodified client has it: the calls of a kernel's kcov, and a preloaded library.
#define kcov_host_open(flags) ::open("/sys/kernel/debug/kcov", flags)
#define kcov_host_close ::close
#define kcov_host_ioctl ::ioctl
#define kcov_host_read ::read
#define kcov_host_write ::write
#define kcov_host_lseek ::lseek
#define kcov_host_pread ::pread
#define kcov_host_mmap ::mmap
#endif

extern "C" {
void kcov_test_target_begin();
void kcov_test_target_end();
void kcov_test_blocks(std::uint64_t rounds);
void kcov_test_compare(std::uint8_t, std::uint8_t, std::uint16_t, std::uint16_t, std::uint32_t,
                       std::uint32_t, std::uint64_t, std::uint64_t);
extern char __executable_start;
}

namespace kcov::conformance {

#ifdef KCOV_TEST_PRELOADED
Subject subject{.host = true, .preloaded = true};
#else
Subject subject{.host = true, .preloaded = false};
#endif
namespace {

long result_of(long value) { return value < 0 ? -errno : value; }

struct Session {
  std::mutex mutex;
  std::condition_variable changed;
  bool at_gate = false;
  bool gate_open = false;
  std::thread thread;
  long status = 0;
  kcov_test_program program{};
};

long run_steps(Session& session, const kcov_test_step* steps, std::uint32_t count);

// What the handler of the "hard interrupt" on this thread is to run.
struct Interrupt {
  Session* session;
  const kcov_test_step* steps;
  std::uint32_t count;
  long status;
};
thread_local Interrupt interrupt;

void on_interrupt(int) {
  interrupt.status = run_steps(*interrupt.session, interrupt.steps, interrupt.count);
}

long enter(Session& session, std::uint64_t context, const kcov_test_step* steps,
           std::uint32_t count) {
  long status = 0;
  switch (context) {
    case KCOV_TEST_TASK: return run_steps(session, steps, count);
    case KCOV_TEST_KTHREAD:
    case KCOV_TEST_WORK:
      std::thread([&] { status = run_steps(session, steps, count); }).join();
      return status;
    case KCOV_TEST_HARD: {
      struct sigaction action {};
      struct sigaction before {};
      action.sa_handler = on_interrupt;
      ::sigaction(SIGUSR2, &action, &before);
      interrupt = {&session, steps, count, 0};
      ::raise(SIGUSR2);
      ::sigaction(SIGUSR2, &before, nullptr);
      return interrupt.status;
    }
    default: return -EOPNOTSUPP;
  }
}

long run_steps(Session& session, const kcov_test_step* steps, std::uint32_t count) {
  long status = 0;
  for (std::uint32_t i = 0; i < count && status == 0; ++i) {
    const kcov_test_step& step = steps[i];
    switch (step.op) {
      case KCOV_TEST_ENTER:
        if (step.count >= count - i) return -EINVAL;
        status = enter(session, step.argument, &step + 1, step.count);
        i += step.count;
        break;
      case KCOV_TEST_BLOCKS: kcov_test_blocks(step.argument); break;
      case KCOV_TEST_COMPARE:
        kcov_test_compare(0xf1, 0xf2, 0xf1f2, 0xf3f4, 0xf1f2f3f4, 0xf5f6f7f8, 0xf1f2f3f4f5f6f7f8,
                          0xf9fafbfcfdfeff00);
        break;
      case KCOV_TEST_START: kcov_host_remote_start(step.argument); break;
      case KCOV_TEST_STOP: kcov_host_remote_stop(); break;
      case KCOV_TEST_HANDLE: session.program.result = kcov_host_common_handle(); break;
      case KCOV_TEST_GATE: {
        std::unique_lock lock(session.mutex);
        session.at_gate = true;
        session.changed.notify_all();
        session.changed.wait(lock, [&] { return session.gate_open; });
        break;
      }
      case KCOV_TEST_SLEEP: {
        const timespec time{0, static_cast<long>(step.argument) * 1000000};
        ::nanosleep(&time, nullptr);
        break;
      }
      case KCOV_TEST_EXIT: return 0;
      default: return -EINVAL;
    }
  }
  return status;
}

Session& session_of(void* state) { return *static_cast<Session*>(state); }

}  // namespace

long sys_open(int flags) { return result_of(kcov_host_open(flags)); }
long sys_close(int fd) { return result_of(kcov_host_close(fd)); }
long sys_ioctl(int fd, unsigned long command, unsigned long argument) {
  return result_of(kcov_host_ioctl(fd, command, argument));
}
long sys_read(int fd, void* bytes, std::size_t count) {
  return result_of(kcov_host_read(fd, bytes, count));
}
long sys_write(int fd, const void* bytes, std::size_t count) {
  return result_of(kcov_host_write(fd, bytes, count));
}
long sys_lseek(int fd, off_t offset) { return result_of(kcov_host_lseek(fd, offset, SEEK_SET)); }
long sys_pread(int fd, void* bytes, std::size_t count) {
  return result_of(kcov_host_pread(fd, bytes, count, 0));
}
void* sys_mmap(void* address, std::size_t length, int protection, int flags, int fd, off_t offset) {
  return kcov_host_mmap(address, length, protection, flags, fd, offset);
}

TestFile::TestFile() : state_(new Session) {}
TestFile::~TestFile() {
  if (session_of(state_).thread.joinable()) {
    open_gate();
    join();
  }
  delete static_cast<Session*>(state_);
}

long TestFile::run(kcov_test_program& program) {
  Session& session = session_of(state_);
  session.program = program;
  session.at_gate = session.gate_open = false;
  const auto all = [&session] {
    session.status = run_steps(session, session.program.steps, session.program.count);
  };
  if (program.asynchronous != 0) {
    session.thread = std::thread(all);
    return 0;
  }
  all();
  program.result = session.program.result;
  return session.status;
}

long TestFile::arrived() {
  Session& session = session_of(state_);
  std::unique_lock lock(session.mutex);
  session.changed.wait(lock, [&] { return session.at_gate; });
  return 0;
}

long TestFile::open_gate() {
  Session& session = session_of(state_);
  const std::scoped_lock lock(session.mutex);
  session.gate_open = true;
  session.changed.notify_all();
  return 0;
}

long TestFile::join() {
  Session& session = session_of(state_);
  session.thread.join();
  return session.status;
}

kcov_test_ranges TestFile::ranges() {
  // As in a trace: less the address that the program was loaded at.
  const auto base = reinterpret_cast<std::uintptr_t>(&__executable_start);
  const auto address = [base](auto* function) {
    return reinterpret_cast<std::uintptr_t>(function) - base;
  };
  return {.target = {address(kcov_test_target_begin), address(kcov_test_target_end)},
          .left_out = {address(run_steps), address(run_steps) + 32},
          .scheduler = {},
          .slab = {},
          .trees = {},
          .mm_drop = {},
          .switching = {}};
}

int warnings() {
  // Standard error goes to a file of its own from the first call on; what is no warning
  // of kcov's is passed on, the rest of it when the program ends.
  static const int passed_on = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
  static const int log = [] {
    const int fd = ::memfd_create("stderr", MFD_CLOEXEC);
    std::atexit([] { (void)warnings(); });
    ::dup2(fd, STDERR_FILENO);
    return fd;
  }();
  static off_t at = 0;
  int found = 0;
  char text[4096];
  ssize_t n;
  while ((n = ::pread(log, text, sizeof text - 1, at)) > 0) {
    at += n;
    text[n] = '\0';
    const int before = found;
    for (const char* line = text; (line = __builtin_strstr(line, "kcov: ")) != nullptr; ++line)
      ++found;
    if (found == before) (void)!::write(passed_on, text, static_cast<std::size_t>(n));
  }
  return found;
}

}  // namespace kcov::conformance
