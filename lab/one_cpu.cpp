// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/one_cpu.hpp"

#include <poll.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <sstream>
#include <string>
#include <system_error>

#include "support/files.hpp"

namespace fs = std::filesystem;

namespace kcov::lab {
namespace {

// For the kernel to move what waits: it does so when it wakes it.
constexpr int kLooseMilliseconds = 10;
// In a process's /proc/ID/stat, counted from behind the name; what is before it.
constexpr int kGroupField = 2;
constexpr int kCpuField = 36;

// A field of /proc/ID/stat; -1: it is not there.
int stat_field(const std::string& process, int field) {
  const Result<std::string> text = read_file("/proc/" + process + "/stat");
  if (!text) return -1;
  // The name may have anything in it.
  std::istringstream fields(text->substr(text->rfind(')') + 1));
  std::string value;
  for (int i = 0; i <= field; ++i) fields >> value;
  int number = -1;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}

cpu_set_t only(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  return set;
}

}  // namespace

void stay_on_this_cpu() {
  const int cpu = ::sched_getcpu();
  if (cpu < 0 || cpu >= CPU_SETSIZE) return;
  const cpu_set_t here = only(cpu);
  ::sched_setaffinity(0, sizeof here, &here);
}

OneCpu::OneCpu(pid_t program) : program_(program) {
  ::sched_getaffinity(0, sizeof allowed_, &allowed_);
}

// Nanoseconds that its first process was ready to run and did not, ever.
std::uint64_t OneCpu::waited() const {
  const Result<std::string> text = read_file("/proc/" + std::to_string(program_) + "/schedstat");
  std::uint64_t ran = 0;
  std::uint64_t waited = 0;
  if (text) std::istringstream(*text) >> ran >> waited;
  return waited;
}

void OneCpu::put_on(const cpu_set_t& cpus) const {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename().string();
    pid_t id = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (error != std::errc() || *end != '\0' || stat_field(name, kGroupField) != program_) continue;
    for (const fs::directory_entry& thread : fs::directory_iterator(entry.path() / "task", ignored))
      ::sched_setaffinity(std::stoi(thread.path().filename().string()), sizeof cpus, &cpus);
  }
}

void OneCpu::look() {
  const auto now = std::chrono::steady_clock::now();
  const std::uint64_t before = waited_;
  waited_ = waited();
  const auto passed = std::chrono::duration_cast<std::chrono::nanoseconds>(now - looked_);
  looked_ = now;
  // Taking turns, its processes wait for one another, a tenth of the time.
  if (CPU_COUNT(&allowed_) < 2 ||
      (waited_ - before) * 3 < static_cast<std::uint64_t>(passed.count()))
    return;
  put_on(allowed_);
  ::poll(nullptr, 0, kLooseMilliseconds);
  const int cpu = stat_field(std::to_string(program_), kCpuField);
  // What was begun while we went through the others still may be anywhere.
  if (cpu >= 0 && cpu < CPU_SETSIZE)
    for (int i = 0; i < 2; ++i) put_on(only(cpu));
}

}  // namespace kcov::lab
