// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/one_cpu.hpp"

#include <poll.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

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
  // Who cannot be put elsewhere later is not put anywhere.
  cpu_set_t allowed;
  const int cpu = ::sched_getcpu();
  if (cpu < 0 || cpu >= CPU_SETSIZE || ::sched_getaffinity(0, sizeof allowed, &allowed) != 0)
    return;
  const cpu_set_t here = only(cpu);
  ::sched_setaffinity(0, sizeof here, &here);
}

OneCpu::OneCpu(pid_t program) : program_(program) {
  ::sched_getaffinity(0, sizeof allowed_, &allowed_);
}

template <typename Visit>
void OneCpu::for_each_process(Visit visit) const {
  // What is there may be gone the next moment: no reason to throw.
  std::error_code gone;
  for (fs::directory_iterator at("/proc", gone); at != fs::directory_iterator();
       at.increment(gone)) {
    const std::string name = at->path().filename().string();
    pid_t id = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (error == std::errc() && *end == '\0' && stat_field(name, kGroupField) == program_)
      visit(id, at->path());
  }
}

void OneCpu::put_on(const cpu_set_t& cpus) const {
  for_each_process([&](pid_t, const fs::path& process) {
    std::error_code gone;
    for (fs::directory_iterator at(process / "task", gone); at != fs::directory_iterator();
         at.increment(gone))
      ::sched_setaffinity(std::stoi(at->path().filename().string()), sizeof cpus, &cpus);
  });
}

void OneCpu::look() {
  if (CPU_COUNT(&allowed_) < 2) return;
  // How long each was ready to run, and did not.
  std::uint64_t waited = 0;
  std::map<pid_t, std::uint64_t> until_now;
  for_each_process([&](pid_t id, const fs::path& process) {
    std::uint64_t ran = 0;
    std::uint64_t its_own = 0;
    if (const Result<std::string> text = read_file(process / "schedstat"))
      std::istringstream(*text) >> ran >> its_own;
    const auto before = waited_.find(id);
    // The number of one that has ended may be another's now.
    const bool is_known = before != waited_.end() && before->second <= its_own;
    waited += its_own - (is_known ? before->second : 0);
    until_now[id] = its_own;
  });
  const auto now = std::chrono::steady_clock::now();
  const auto passed = std::chrono::duration_cast<std::chrono::nanoseconds>(now - looked_);
  waited_ = std::move(until_now);
  looked_ = now;
  // Taking turns, they wait for one another a tenth of the time.
  if (waited * 3 < static_cast<std::uint64_t>(passed.count())) return;
  put_on(allowed_);
  ::poll(nullptr, 0, kLooseMilliseconds);
  const int cpu = stat_field(std::to_string(program_), kCpuField);
  // What was begun while we went through the others still may be anywhere.
  if (cpu >= 0 && cpu < CPU_SETSIZE)
    for (int i = 0; i < 2; ++i) put_on(only(cpu));
}

}  // namespace kcov::lab
