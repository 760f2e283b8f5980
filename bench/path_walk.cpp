// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Path walk: stat() of "/proc" followed by 300 times "/../proc". Prints the
// microseconds of a call, kcov off, then on (tracing PCs into a buffer that is emptied
// before each call): the quickest of many rounds, because whatever else the machine does
// can only make one slower. To be run where /sys/kernel/debug/kcov is.
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <kcov/device.hpp>
#include <string>
#include <vector>

namespace {

double now_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

template <typename Before>
double quickest_us(const char* path, Before before) {
  constexpr int kRounds = 200;
  constexpr int kCalls = 5;
  std::vector<double> rounds;
  for (int round = 0; round < kRounds; ++round) {
    const double start = now_us();
    for (int call = 0; call < kCalls; ++call) {
      before();
      struct stat status;
      if (::stat(path, &status) != 0) std::exit(1);
    }
    rounds.push_back((now_us() - start) / kCalls);
  }
  return *std::min_element(rounds.begin(), rounds.end());
}

}  // namespace

int main() {
  std::string path = "/proc";
  for (int i = 0; i < 300; ++i) path += "/../proc";
  kcov::Device device;
  kcov::Buffer buffer;
  if (device.open() || device.initialize(256 << 10) || device.map(buffer)) return 1;
  quickest_us(path.c_str(), [] {});
  const double off = quickest_us(path.c_str(), [] {});
  const kcov::Scope scope(device, buffer, kcov::Mode::pcs);
  if (scope.error()) return 1;
  const double on = quickest_us(path.c_str(), [&] { buffer.reset(); });
  std::printf("%.2f %.2f %llu\n", off, on, static_cast<unsigned long long>(buffer.count()));
}
