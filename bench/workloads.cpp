// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What programs ask of a kernel, for bench/kernel, which runs it in the lab's machines:
//
//   path_walk   stat() of "/proc" followed by 300 times "/../proc"
//   pipe        a byte to another process and back
//   spawn       fork, exec of /bin/true, wait
//   file        create and unlink in /tmp
//   build       gcc -O1 -c of a small file
//
//   usage: workloads off|beside|on [ROUNDS]
//     off      nobody traces
//     beside   another process traces, and sleeps
//     on       this one traces PCs, into a buffer that is emptied before each call
// Prints a line "NAME MICROSECONDS" for each, of the quickest of many rounds: whatever else the
// machine does can only make one slower. Only path_walk and file are made while tracing: of the
// others children do a part, and children do not trace.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <kcov/device.hpp>
#include <string>

namespace {

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

double now_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

int rounds = 0;  // 0: each workload's own
void measure(const char* name, int own_rounds, int calls, const std::function<void()>& call) {
  double quickest = 0;
  const int all = rounds != 0 ? rounds : own_rounds;
  // The first round is not counted.
  for (int round = -1; round < all; ++round) {
    const double begin = now_us();
    for (int i = 0; i < calls; ++i) call();
    const double us = (now_us() - begin) / calls;
    if (round == 0 || (round > 0 && us < quickest)) quickest = us;
  }
  std::printf("%s %.3f\n", name, quickest);
  std::fflush(stdout);
}

void run(const char* const* arguments) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::execv(arguments[0], const_cast<char* const*>(arguments));
    ::_exit(127);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) fail(arguments[0]);
}

void path_walk(const std::function<void()>& before) {
  std::string path = "/proc";
  for (int i = 0; i < 300; ++i) path += "/../proc";
  measure("path_walk", 150, 5, [&] {
    before();
    struct stat status;
    if (::stat(path.c_str(), &status) != 0) fail("stat");
  });
}

void file(const std::function<void()>& before) {
  measure("file", 100, 50, [&] {
    before();
    const int fd = ::open("/tmp/kcov-bench", O_CREAT | O_RDWR | O_EXCL, 0600);
    if (fd < 0 || ::close(fd) != 0 || ::unlink("/tmp/kcov-bench") != 0) fail("/tmp/kcov-bench");
  });
}

void pipe_ping_pong() {
  int there[2];
  int back[2];
  if (::pipe(there) != 0 || ::pipe(back) != 0) fail("pipe");
  const pid_t child = ::fork();
  char byte = 0;
  if (child == 0) {
    ::close(there[1]);
    while (::read(there[0], &byte, 1) == 1 && ::write(back[1], &byte, 1) == 1) {
    }
    ::_exit(0);
  }
  measure("pipe", 40, 100, [&] {
    if (::write(there[1], &byte, 1) != 1 || ::read(back[0], &byte, 1) != 1) fail("pipe");
  });
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

void build() {
  const char* const source = "/tmp/kcov-bench.c";
  std::FILE* const out = std::fopen(source, "w");
  if (out == nullptr) fail(source);
  for (int i = 0; i < 20; ++i)
    std::fprintf(out, "int f%d(int n) { int s = 0; while (n > %d) s += n--; return s; }\n", i, i);
  std::fclose(out);
  const char* const arguments[] = {"/usr/bin/gcc",      "-O1",  "-c",   "-o",
                                   "/tmp/kcov-bench.o", source, nullptr};
  if (::access(arguments[0], X_OK) != 0) return;
  measure("build", 3, 1, [&] { run(arguments); });
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (argc > 2) rounds = std::atoi(argv[2]);
  kcov::Device device;
  kcov::Buffer buffer;
  pid_t beside = 0;
  if (mode == "beside" || mode == "on") {
    if (device.open() || device.initialize(256 << 10) || device.map(buffer)) fail("kcov");
  } else if (mode != "off") {
    std::fprintf(stderr, "usage: workloads off|beside|on [ROUNDS]\n");
    return 2;
  }
  if (mode == "on") {
    const kcov::Scope scope(device, buffer, kcov::Mode::pcs);
    if (scope.error()) fail("enable");
    path_walk([&] { buffer.reset(); });
    file([&] { buffer.reset(); });
    return 0;
  }
  if (mode == "beside") {
    int ready[2];
    if (::pipe(ready) != 0) fail("pipe");
    beside = ::fork();
    if (beside == 0) {
      const kcov::Scope scope(device, buffer, kcov::Mode::pcs);
      (void)!::write(ready[1], scope.error() ? "n" : "y", 1);
      for (;;) ::pause();
    }
    char answer = 'n';
    if (::read(ready[0], &answer, 1) != 1 || answer != 'y') fail("enable");
  }
  path_walk([] {});
  file([] {});
  pipe_ping_pong();
  const char* const nothing[] = {"/bin/true", nullptr};
  measure("spawn", 10, 5, [&] { run(nothing); });
  build();
  if (beside != 0) ::kill(beside, SIGKILL);
  return 0;
}
