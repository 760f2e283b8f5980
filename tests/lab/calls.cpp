// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Traces many different system calls, each alone, and prints the PCs of each behind a
// line "0x0". Run on two kernels, the two outputs are compared by name, file and line.
//
// Each call is made a few times before it is traced, so that caches are warm and what is
// recorded is a function of its arguments.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <kcov/device.hpp>
#include <map>
#include <vector>

namespace {

kcov::Device device;
kcov::Buffer buffer;

void check(std::error_code error, const char* what) {
  if (!error) return;
  std::fprintf(stderr, "%s: %s\n", what, error.message().c_str());
  std::exit(1);
}

// The sequence that most of nine traces hold: now and then the clock takes another way
// (a second that is over, a time stamp that is out of date).
template <typename Call>
void trace(const char* name, Call call) {
  for (int i = 0; i < 4; ++i) call();
  std::map<std::vector<std::uint64_t>, int> sequences;
  for (int i = 0; i < 9; ++i) {
    {
      const kcov::Scope scope(device, buffer, kcov::Mode::pcs);
      check(scope.error(), name);
      call();
    }
    const auto pcs = buffer.pcs();
    ++sequences[{pcs.begin(), pcs.end()}];
  }
  const auto most = std::max_element(
      sequences.begin(), sequences.end(),
      [](const auto& one, const auto& other) { return one.second < other.second; });
  std::printf("0x0\n");
  for (const std::uint64_t pc : most->first) {
    std::printf("0x%llx\n", static_cast<unsigned long long>(pc));
  }
}

template <typename... Arguments>
long call(long number, Arguments... arguments) {
  return ::syscall(number, arguments...);
}

}  // namespace

int main() {
  check(device.open(), kcov::kDevicePath);
  check(device.initialize(64 << 10), "initialize");
  check(device.map(buffer), "map");

  const int null = ::open("/dev/null", O_RDWR);
  const int zero = ::open("/dev/zero", O_RDWR);
  const int file = ::open("/dev/shm/calls", O_RDWR | O_CREAT | O_TRUNC, 0600);
  const int event = ::eventfd(1, EFD_NONBLOCK);
  const int poller = ::epoll_create1(0);
  int ends[2];
  int sockets[2];
  if (::pipe(ends) != 0 || ::socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets) != 0) return 1;
  static char bytes[4096] = "some bytes";
  static iovec vector{bytes, 16};
  static struct stat status;
  static struct statfs system;
  static utsname names;
  static rlimit limit;
  static rusage usage;
  static tms times;
  static timespec now;
  static sigset_t signals;
  static struct sigaction action;
  static cpu_set_t cpus;
  static epoll_event ready;
  pollfd wait{ends[0], POLLIN, 0};
  // Its times are of three ticks: what reading it does about them is not chance.
  ::usleep(30'000);
  (void)!::write(file, bytes, sizeof bytes);
  ::usleep(30'000);

  trace("read(-1)", [] { call(SYS_read, -1, nullptr, 0); });
  trace("read zero", [&] { call(SYS_read, zero, bytes, 16); });
  trace("write null", [&] { call(SYS_write, null, bytes, 16); });
  trace("write -1", [&] { call(SYS_write, -1, bytes, 16); });
  trace("writev", [&] { call(SYS_writev, null, &vector, 1); });
  trace("pread64", [&] { call(SYS_pread64, file, bytes, 16, 0); });
  trace("pwrite64", [&] { call(SYS_pwrite64, file, bytes, 16, 0); });
  trace("lseek", [&] { call(SYS_lseek, file, 0, SEEK_SET); });
  trace("lseek pipe", [&] { call(SYS_lseek, ends[0], 0, SEEK_SET); });
  trace("fstat", [&] { call(SYS_fstat, file, &status); });
  trace("stat", [] { call(SYS_stat, "/sys/kernel/mm", &status); });
  trace("lstat", [] { call(SYS_lstat, "/proc/self", &status); });
  trace("newfstatat", [] { call(SYS_newfstatat, AT_FDCWD, "/sys", &status, 0); });
  trace("access", [] { call(SYS_access, "/nonexistent", R_OK); });
  trace("readlink EINVAL", [&] { call(SYS_readlink, "/sys", bytes, sizeof bytes); });
  trace("getcwd", [&] { call(SYS_getcwd, bytes, sizeof bytes); });
  trace("openat ENOENT", [] { call(SYS_openat, AT_FDCWD, "/nonexistent", O_RDONLY); });
  trace("close -1", [] { call(SYS_close, -1); });
  trace("dup close", [&] { call(SYS_close, static_cast<int>(call(SYS_dup, null))); });
  trace("fcntl GETFL", [&] { call(SYS_fcntl, file, F_GETFL); });
  trace("ioctl ENOTTY", [&] { call(SYS_ioctl, null, 0x5401, bytes); });
  trace("flock", [&] { call(SYS_flock, file, LOCK_UN); });
  trace("fsync", [&] { call(SYS_fsync, file); });
  trace("ftruncate", [&] { call(SYS_ftruncate, file, 4096); });
  trace("fchmod", [&] { call(SYS_fchmod, file, 0600); });
  trace("umask", [] { call(SYS_umask, 022); });
  trace("statfs", [] { call(SYS_statfs, "/proc", &system); });
  trace("poll", [&] { call(SYS_poll, &wait, 1, 0); });
  trace("eventfd", [&] { call(SYS_write, event, "\1\0\0\0\0\0\0\0", 8); });
  trace("eventfd read", [&] { call(SYS_read, event, bytes, 8); });
  trace("epoll_wait", [&] { call(SYS_epoll_wait, poller, &ready, 1, 0); });
  trace("getpid", [] { call(SYS_getpid); });
  trace("getppid", [] { call(SYS_getppid); });
  trace("gettid", [] { call(SYS_gettid); });
  trace("getuid", [] { call(SYS_getuid); });
  trace("getpgid", [] { call(SYS_getpgid, 0); });
  trace("getsid", [] { call(SYS_getsid, 0); });
  trace("uname", [] { call(SYS_uname, &names); });
  trace("getrlimit", [] { call(SYS_getrlimit, RLIMIT_NOFILE, &limit); });
  trace("getrusage", [] { call(SYS_getrusage, RUSAGE_SELF, &usage); });
  trace("times", [] { call(SYS_times, &times); });
  trace("clock_getres", [] { call(SYS_clock_getres, CLOCK_MONOTONIC, &now); });
  trace("rt_sigprocmask", [] { call(SYS_rt_sigprocmask, SIG_BLOCK, nullptr, &signals, 8); });
  trace("rt_sigaction", [] { call(SYS_rt_sigaction, SIGUSR1, nullptr, &action, 8); });
  trace("kill 0", [] { call(SYS_kill, ::getpid(), 0); });
  trace("sched_getaffinity", [] { call(SYS_sched_getaffinity, 0, sizeof cpus, &cpus); });
  trace("getpriority", [] { call(SYS_getpriority, PRIO_PROCESS, 0); });
  trace("mprotect EINVAL", [] { call(SYS_mprotect, 1, 4096, PROT_READ); });
  trace("madvise EINVAL", [] { call(SYS_madvise, 1, 4096, MADV_NORMAL); });
  trace("socketpair send",
        [&] { call(SYS_sendto, sockets[0], bytes, 16, MSG_DONTWAIT, nullptr, 0); });
  trace("recvfrom",
        [&] { call(SYS_recvfrom, sockets[1], bytes, 16, MSG_DONTWAIT, nullptr, nullptr); });
  trace("getsockname EBADF", [&] { call(SYS_getsockname, -1, nullptr, nullptr); });
  trace("futex wake", [&] { call(SYS_futex, bytes, 1, 1, nullptr, nullptr, 0); });
  return 0;
}
