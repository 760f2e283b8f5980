// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/agent/machine.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "lab/protocol.hpp"

namespace kcov::agent {
namespace {

std::string failure(const std::string& what) { return what + ": " + std::strerror(errno); }

void raise_loopback() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  if (::ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP | IFF_RUNNING);
    ::ioctl(fd, SIOCSIFFLAGS, &request);
  }
  ::close(fd);
}

}  // namespace

MachineKind machine_kind() {
  const char* const name = std::getenv(lab::kMachineVariable);
  if (name != nullptr && std::strcmp(name, "x86_64") == 0) {
    return {"/dev/vport0p1", true};
  }
  return {"/dev/ttyS0", false};
}

int open_spool(const MachineKind& kind) {
  if (!kind.has_9p) {
    const char* const path = std::getenv(lab::kSpoolVariable);
    return path == nullptr ? -1 : ::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  }
  // A share of its own, without a cache: the tool makes and removes files in it all the
  // time. Mounted where prepare_machine() has not been yet, and only for as long as it takes
  // to open it.
  const std::string options = std::string(lab::k9pOptions) + ",cache=none";
  if (::mount(lab::kSpoolTag, "/proc", "9p", MS_RDONLY, options.c_str()) != 0) return -1;
  const int spool = ::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  ::umount2("/proc", MNT_DETACH);
  return spool;
}

int open_line(const MachineKind& kind) {
  // A port of a virtio device comes, and is connected, a little later than we do.
  constexpr int kMilliseconds = 10'000;
  int line = -1;
  for (int i = 0; i < kMilliseconds && line < 0; ++i) {
    line = ::open(kind.line, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (line < 0) ::usleep(1000);
  }
  for (int i = 0; i < kMilliseconds && line >= 0; ++i) {
    pollfd state{line, 0, 0};
    if (::poll(&state, 1, 0) == 0) break;
    ::usleep(1000);
  }
  // Nobody else is to write there by mistake.
  ::unlink(kind.line);
  return line;
}

std::string prepare_machine() {
  struct {
    const char* type;
    const char* target;
  } const mounts[] = {
      {"proc", "/proc"}, {"sysfs", "/sys"}, {"debugfs", "/sys/kernel/debug"}, {"devtmpfs", "/dev"}};
  for (const auto& [type, target] : mounts) {
    if (::mount(type, target, type, 0, nullptr) != 0 && errno != EBUSY) {
      return failure(std::string("cannot mount ") + target);
    }
  }
  ::mkdir("/dev/pts", 0755);
  ::mkdir("/dev/shm", 01777);
  (void)::mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=0666");
  (void)::mount("tmpfs", "/dev/shm", "tmpfs", 0, nullptr);
  (void)::symlink("/proc/self/fd", "/dev/fd");
  (void)::symlink("/proc/self/fd/0", "/dev/stdin");
  (void)::symlink("/proc/self/fd/1", "/dev/stdout");
  (void)::symlink("/proc/self/fd/2", "/dev/stderr");
  raise_loopback();
  return {};
}

std::string mount_writable(const MachineKind& kind, const std::vector<std::string>& directories) {
  // An overlay, not an empty /tmp: the caller's directory, command or files may lie there.
  if (::mount("tmpfs", "/dev/shm", "tmpfs", 0, nullptr) != 0) {
    return failure("cannot make room for /tmp");
  }
  ::mkdir("/dev/shm/upper", 01777);
  ::chmod("/dev/shm/upper", 01777);
  ::mkdir("/dev/shm/work", 0700);
  const int overlaid = ::mount("overlay", "/tmp", "overlay", 0,
                               "lowerdir=/tmp,upperdir=/dev/shm/upper,workdir=/dev/shm/work");
  const int error = errno;
  ::umount2("/dev/shm", MNT_DETACH);
  if (overlaid != 0) {
    errno = error;
    return failure("cannot make /tmp writable");
  }
  for (std::size_t i = 0; i < directories.size(); ++i) {
    const std::string& directory = directories[i];
    // cache=mmap: what is written is on the host at once.
    const std::string options =
        kind.has_9p ? std::string(lab::k9pOptions) + ",cache=mmap" : directory;
    const char* const type = kind.has_9p ? "9p" : "hostfs";
    const std::string source = kind.has_9p ? lab::writable_tag(i) : type;
    if (::mount(source.c_str(), directory.c_str(), type, 0, options.c_str()) != 0) {
      return failure("cannot make " + directory + " writable");
    }
  }
  return {};
}

}  // namespace kcov::agent
