// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "doctor/host.hpp"

#include <fcntl.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "lab/machine.hpp"
#include "support/elf_notes.hpp"
#include "support/files.hpp"

namespace fs = std::filesystem;

namespace kcov::doctor {
namespace {

// What the processor's extended state takes with all features on that the system has enabled:
// the most that PTRACE_GETREGSET hands over.
std::uint64_t extended_state_bytes() {
#ifdef __x86_64__
  constexpr unsigned kStateLeaf = 0xd;
  unsigned eax = 0;
  unsigned enabled = 0;
  unsigned possible = 0;
  unsigned edx = 0;
  return __get_cpuid_count(kStateLeaf, 0, &eax, &enabled, &possible, &edx) != 0 ? enabled : 0;
#else
  return 0;
#endif
}

std::vector<fs::path> program_directories() {
  const char* const path = std::getenv("PATH");
  std::istringstream text(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
  std::vector<fs::path> directories;
  for (std::string directory; std::getline(text, directory, ':');)
    if (!directory.empty()) directories.emplace_back(directory);
  return directories;
}

std::uint64_t free_bytes(const fs::path& path) {
  struct statvfs system {};
  fs::path existing = path;
  while (::statvfs(existing.c_str(), &system) != 0) {
    if (!existing.has_relative_path()) return 0;
    existing = existing.parent_path();
  }
  return std::uint64_t{system.f_bavail} * system.f_frsize;
}

// Code is written through /proc/self/mem, for which a page needs not be writable.
Unmaking try_unmaking() {
  Unmaking found;
  const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const page = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const int memory = ::open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  if (memory < 0) {
    found.obstacle = "/proc/self/mem cannot be opened: " + errno_text(errno);
  } else if (page == MAP_FAILED ||
             ::pwrite(memory, "x", 1, static_cast<off_t>(reinterpret_cast<std::intptr_t>(page))) !=
                 1) {
    found.obstacle = "code cannot be written to through /proc/self/mem: " + errno_text(errno);
  }
  if (memory >= 0) ::close(memory);
  if (page != MAP_FAILED) ::munmap(page, size);
  constexpr int kRegister = MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;
  if (::syscall(SYS_membarrier, kRegister, 0, 0) != 0)
    found.not_prefixes = "membarrier() does not synchronize cores: " + errno_text(errno);
  return found;
}

}  // namespace

Host Host::here() {
  Host host;
  host.programs = program_directories();
  utsname names{};
  if (::uname(&names) == 0) host.release = names.release;
  host.is_root = ::geteuid() == 0;
  host.register_bytes = extended_state_bytes();
  host.free_bytes = doctor::free_bytes;
  host.try_unmaking = doctor::try_unmaking;
  host.ptrace_obstacle = lab::um_obstacle;
  host.try_kcov = doctor::try_kcov;
  host.try_lab = doctor::try_lab;
  return host;
}

fs::path Host::at(std::string_view path) const { return root / fs::path(path).relative_path(); }

bool Host::has(std::string_view path) const {
  std::error_code ignored;
  return fs::exists(at(path), ignored);
}

std::string Host::read(std::string_view path) const {
  Result<std::string> text = read_file(at(path));
  return text ? std::move(*text) : std::string();
}

fs::path Host::find_program(std::string_view name) const {
  for (const fs::path& directory : programs) {
    fs::path candidate = directory / name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

std::string running_build_id(const Host& host) {
  return build_id_in_notes(host.read("/sys/kernel/notes"));
}

}  // namespace kcov::doctor
