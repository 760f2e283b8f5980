// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A client of a kernel's kcov whose signal handlers throw, and one of whose threads ends
// in a handler. Its exit status is 0, or the line of the expectation that failed.
#include <fcntl.h>
#include <kcov/uapi.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

extern "C" void parse_run(unsigned rounds);

namespace {

void expect(bool truth, int line) {
  if (!truth) std::exit(line & 255);
}

void throw_out(int) {
  parse_run(5);
  throw std::runtime_error("from a handler");
}

char stopped;  // the result of a thread that went on
void end_thread(int) { pthread_exit(nullptr); }

// From below the frame of the handler that was left.
[[gnu::noinline]] void run_deep() {
  volatile char room[128 << 10];
  room[0] = 0;
  parse_run(5);
  room[1] = room[0];
}

bool throws() {
  int (*volatile raise_signal)(int) = raise;  // which is declared not to throw
  try {
    raise_signal(SIGUSR1);
  } catch (const std::runtime_error&) {
    return true;
  }
  return false;
}

}  // namespace

int main(int argc, char**) {
  constexpr unsigned long kWords = 4096;
  struct sigaction action {};
  action.sa_handler = throw_out;
  action.sa_flags = SA_NODEFER;
  sigaction(SIGUSR1, &action, nullptr);
  signal(SIGUSR2, end_thread);
  pthread_t thread;
  pthread_create(
      &thread, nullptr,
      [](void*) -> void* {
        raise(SIGUSR2);
        return &stopped;
      },
      nullptr);
  void* result = &result;
  pthread_join(thread, &result);
  expect(result == nullptr, __LINE__);
  if (argc > 1) {
    expect(throws(), __LINE__);
    return 0;
  }
  const int fd = open("/sys/kernel/debug/kcov", O_RDWR);
  expect(ioctl(fd, KCOV_INIT_TRACE, kWords) == 0, __LINE__);
  void* const map = mmap(nullptr, kWords * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  expect(map != MAP_FAILED, __LINE__);
  auto* const area = static_cast<volatile uint64_t*>(map);
  expect(ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC) == 0, __LINE__);
  area[0] = 0;
  parse_run(5);
  const uint64_t once = area[0];
  expect(once >= 5, __LINE__);
  expect(throws(), __LINE__);
  expect(area[0] == once, __LINE__);
  run_deep();
  expect(area[0] == 2 * once, __LINE__);
  return 0;
}
