// SPDX-License-Identifier: GPL-2.0-only OR MIT
// measured FILE CMD ARGS: runs CMD, appends "SECONDS PEAK_KIB" to FILE, and ends with CMD's
// exit status. The time is the clock's, the peak that of the resident memory of CMD itself.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: measured FILE CMD ARGS\n");
    return 2;
  }
  const auto begin = std::chrono::steady_clock::now();
  const pid_t child = ::fork();
  if (child == 0) {
    ::execvp(argv[2], argv + 2);
    std::perror(argv[2]);
    ::_exit(127);
  }
  int status = 0;
  rusage used{};
  if (child < 0 || ::wait4(child, &status, 0, &used) != child) return 125;
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::FILE* const file = std::fopen(argv[1], "a");
  if (file == nullptr) return 125;
  std::fprintf(file, "%.4f %ld\n", seconds.count(), used.ru_maxrss);
  std::fclose(file);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
