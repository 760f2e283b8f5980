// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Makes the kernel's calls of the callbacks come and go, and looks whether a trace is whole
// each time: the first system call after ENABLE has woken them is to be recorded as one that
// comes long after.
//   usage: lab_dormancy ROUNDS [BESIDE [MODULE.ko]]
// BESIDE further processes make system calls meanwhile, every other one of them traced and
// looked at in the same way; another one loads the module and removes it. Prints what kcov_sites
// says at the end, with the module loaded.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <kcov/device.hpp>
#include <map>
#include <string>
#include <vector>

namespace {

constexpr const char* kSites = "/sys/kernel/debug/kcov_sites";
constexpr const char* kSleepAfter = "/sys/kernel/debug/kcov_sleep_after";

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}
void check(std::error_code error, const char* what) {
  if (error) fail(std::string(what) + ": " + error.message());
}

std::map<std::string, std::string> sites() {
  std::map<std::string, std::string> all;
  std::ifstream file(kSites);
  for (std::string key, value; std::getline(file, key, ':') && std::getline(file, value);)
    all[key] = value.substr(1);
  return all;
}

void sleep_after(const char* text) {
  const int file = ::open(kSleepAfter, O_WRONLY);
  if (file < 0 || ::write(file, text, std::strlen(text)) < 0)
    fail(std::string("cannot write ") + text + " to " + kSleepAfter + ": " + std::strerror(errno));
  ::close(file);
}

// A system call that goes one way: a file descriptor that is not open.
void call() { (void)::ftruncate(-1, 0); }

class Tracer {
 public:
  Tracer() {
    check(device_.open(), kcov::kDevicePath);
    check(device_.initialize(4096), "initialize");
    check(device_.map(buffer_), "map");
  }
  std::vector<std::uint64_t> trace() {
    {
      const kcov::Scope scope(device_, buffer_, kcov::Mode::pcs);
      check(scope.error(), "enable");
      call();
    }
    const auto pcs = buffer_.pcs();
    return {pcs.begin(), pcs.end()};
  }

 private:
  kcov::Device device_;
  kcov::Buffer buffer_;
};

// All of the call is there; a page fault of ours may follow.
bool is_whole(const std::vector<std::uint64_t>& found, const std::vector<std::uint64_t>& expected) {
  return found.size() >= expected.size() &&
         std::equal(expected.begin(), expected.end(), found.begin());
}

void run_beside(bool traces, const std::vector<std::uint64_t>& expected) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!traces) {
    for (struct stat status;;) (void)::stat("/proc/self/status", &status);
  }
  for (Tracer tracer;;) {
    if (!is_whole(tracer.trace(), expected)) fail("a trace beside is not whole");
  }
}

void load(const char* module) {
  const int file = ::open(module, O_RDONLY | O_CLOEXEC);
  if (::syscall(SYS_finit_module, file, "", 0) != 0) fail(std::string(module) + " does not load");
  ::close(file);
}

void load_and_remove(const char* module) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::string name = module;
  name = name.substr(name.rfind('/') + 1);
  name.resize(name.size() - std::strlen(".ko"));
  // The last step is a removal, so that whoever ends this process can load it.
  while (::getppid() != 1) {
    load(module);
    if (::syscall(SYS_delete_module, name.c_str(), O_NONBLOCK) != 0) fail(name + " stays");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const long rounds = argc > 1 ? std::atol(argv[1]) : 100;
  const int beside = argc > 2 ? std::atoi(argv[2]) : 0;
  for (const char* bad : {"soon", "-1", "1x", ""}) {
    const int file = ::open(kSleepAfter, O_WRONLY);
    if (::write(file, bad, std::strlen(bad)) > 0) fail(std::string("taken: ") + bad);
    ::close(file);
  }
  sleep_after("never");
  Tracer tracer;
  (void)tracer.trace();
  const std::vector<std::uint64_t> expected = tracer.trace();
  if (expected.size() < 2) fail("nothing was recorded");
  if (sites()["state"] != "awake") fail("never: and yet it sleeps");

  sleep_after("0");
  std::vector<pid_t> others;
  for (int i = 0; i < beside; ++i) {
    const pid_t child = ::fork();
    if (child == 0) run_beside(i % 2 == 1, expected);
    others.push_back(child);
  }
  const char* const module = argc > 3 ? argv[3] : nullptr;
  if (module != nullptr) {
    const pid_t child = ::fork();
    if (child == 0) load_and_remove(module);
    others.push_back(child);
  }
  for (long round = 0; round < rounds; ++round) {
    // Until the worker has unmade the calls; with others that trace it rarely can.
    for (int i = 0; i < 2000 && beside < 2 && sites()["state"] != "dormant"; ++i) ::usleep(100);
    if (beside < 2 && sites()["state"] != "dormant") fail("it does not sleep");
    const std::vector<std::uint64_t> found = tracer.trace();
    if (is_whole(found, expected)) continue;
    std::printf("round %ld: expected, found\n", round);
    for (std::size_t i = 0; i < std::max(found.size(), expected.size()); ++i) {
      std::printf("0x%llx 0x%llx\n",
                  static_cast<unsigned long long>(i < expected.size() ? expected[i] : 0),
                  static_cast<unsigned long long>(i < found.size() ? found[i] : 0));
    }
    fail("the first trace after waking is not whole");
  }
  for (const pid_t child : others) {
    int status = 0;
    if (::waitpid(child, &status, WNOHANG) != 0) fail("a process beside has ended");
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
  }
  // It may have been ended between the two.
  if (module != nullptr && sites()["modules"] == "0") load(module);
  std::ifstream file(kSites);
  for (std::string line; std::getline(file, line);) std::puts(line.c_str());
  return 0;
}
