// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/agent/proc.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "support/text.hpp"

namespace kcov::agent {

std::string read_file(const std::string& path, std::size_t most) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::string text(most, '\0');
  std::size_t size = 0;
  ssize_t n;
  while (size < most && (n = ::read(fd, &text[size], most - size)) > 0)
    size += static_cast<std::size_t>(n);
  ::close(fd);
  text.resize(size);
  return text;
}

std::string read_proc(pid_t task, const char* name, std::size_t most) {
  return read_file("/proc/" + std::to_string(task) + "/" + name, most);
}

char state_of(pid_t task) {
  const std::string stat = read_proc(task, "stat", 4096);
  // Behind the name, which may hold anything.
  const std::size_t at = stat.rfind(')');
  return at == std::string::npos || at + 2 >= stat.size() ? 'Z' : stat[at + 2];
}

std::string file_of(const std::string& process, long fd) {
  char name[128];
  const std::string link = "/proc/" + process + "/fd/" + std::to_string(fd);
  const ssize_t n = ::readlink(link.c_str(), name, sizeof name);
  return n > 0 ? std::string(name, static_cast<std::size_t>(n)) : std::string();
}

Memory memory() {
  const std::string text = read_file("/proc/meminfo", 4096);
  return {field(text, "MemAvailable") * 1024, field(text, "MemTotal") * 1024};
}

}  // namespace kcov::agent
