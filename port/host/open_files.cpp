// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The table of open files (open_files.hpp). A list, since a program has a handful:
// one for each thread that it traces. Entries are used again and never freed, which
// spares a forked child the calls of the allocator that it should not make.
#include "port/host/open_files.hpp"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kcov::host {

// Under table_lock, but for what a pin makes constant: `descriptor` and the numbers.
struct OpenFile {
  HostDescriptor* descriptor;
  dev_t device;
  ino_t inode;
  LocalArea area;
  unsigned pins;  // none: the entry is vacant
  bool open;      // a descriptor of this process is left for it
  OpenFile* next;
};

namespace {

pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
OpenFile* table = nullptr;

// Taken before the table's.
pthread_mutex_t fork_lock = PTHREAD_MUTEX_INITIALIZER;

// Of whoever holds the locks over a fork.
Interruptions during_fork;

// What the calling thread is bound to, each with a pin.
struct Pins {
  OpenFile* local;
  OpenFile* remote;
  OpenFile* section;
};
constinit thread_local Pins pins{};

// To be taken Uninterrupted.
class TableGuard {
 public:
  TableGuard() noexcept { pthread_mutex_lock(&table_lock); }
  ~TableGuard() { pthread_mutex_unlock(&table_lock); }
  TableGuard(const TableGuard&) = delete;
  TableGuard& operator=(const TableGuard&) = delete;
};

// Not fstat(): ThreadSanitizer knows that one, and calls it a race of the program
// when one thread closes a descriptor that another is in a call of. The system
// allows that, and so must we: the pins are there for it.
bool look_at(int fd, struct stat& status) noexcept {
  return fstatat(fd, "", &status, AT_EMPTY_PATH) == 0;
}

bool is_file(const OpenFile& file, const struct stat& status) noexcept {
  return status.st_ino == file.inode && status.st_dev == file.device;
}

// Whether any descriptor of this process is left for `file`. Where that cannot be
// seen the answer is yes: an entry too many costs memory, one too few breaks a
// program that still holds a dup(). It asks for no memory: a handler may have come upon malloc().
bool still_open(const OpenFile& file) noexcept {
  const int directory = open("/proc/thread-self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return true;
  alignas(dirent64) char entries[2048];
  ssize_t bytes = 0;
  bool found = false;
  bool any = false;
  while (!found && (bytes = getdents64(directory, entries, sizeof entries)) > 0) {
    for (ssize_t at = 0; at < bytes && !found;) {
      const auto* const entry = reinterpret_cast<const dirent64*>(entries + at);
      any |= entry->d_name[0] != '.';
      // By its name first: a file on a system that hangs is not to be asked.
      constexpr char kName[] = "/memfd:kcov";
      char name[sizeof kName - 1];
      struct stat status;
      found = readlinkat(directory, entry->d_name, name, sizeof name) == sizeof name &&
              memcmp(name, kName, sizeof name) == 0 &&
              fstatat(directory, entry->d_name, &status, 0) == 0 && is_file(file, status);
      at += entry->d_reclen;
    }
  }
  close(directory);
  return found || !any || bytes < 0;
}

// Takes a pin back, and with the last one all that this process has of the file.
void unpin(OpenFile* file) noexcept {
  TableGuard guard;
  if (--file->pins != 0) return;
  unmap_area(file->area);
  unshare(file->descriptor);
}

}  // namespace

PinnedFile::PinnedFile(int fd) noexcept : file_(nullptr) {
  struct stat status;
  if (look_at(fd, status)) pin(status);
}

PinnedFile::PinnedFile(const struct stat& status) noexcept : file_(nullptr) { pin(status); }

void PinnedFile::pin(const struct stat& status) noexcept {
  TableGuard guard;
  for (OpenFile* file = table; file != nullptr; file = file->next) {
    if (!file->open || !is_file(*file, status)) continue;
    ++file->pins;
    file_ = file;
    return;
  }
}

PinnedFile::~PinnedFile() {
  if (file_ != nullptr) unpin(file_);
}

HostDescriptor& PinnedFile::descriptor() const noexcept { return *file_->descriptor; }

bool PinnedFile::is_at(int fd) const noexcept {
  struct stat status;
  return look_at(fd, status) && is_file(*file_, status);
}

void PinnedFile::retire_if_closed() const noexcept {
  TableGuard guard;
  // Or another thread that closed the last dup() meanwhile was here before.
  if (!file_->open || still_open(*file_)) return;
  file_->open = false;
  // The pin for being open. Never the last one: that is ours.
  --file_->pins;
}

int PinnedFile::initialize(int fd, std::uintptr_t words) const noexcept {
  // All of it under the lock: a fork half-way would give the child an area that is
  // not where, or not as large as, the core is about to learn.
  TableGuard guard;
  BackingScope scope({fd, &file_->area});
  const int result = file_->descriptor->control(KCOV_INIT_TRACE, words);
  // Its size stands from now on: a map cannot reach past the buffer (contract 10).
  if (result == 0) fcntl(fd, F_ADD_SEALS, F_SEAL_GROW);
  return result;
}

void PinnedFile::pin_bound() const noexcept {
  TableGuard guard;
  if (pins.local == nullptr && this_thread.task.bound.descriptor == file_->descriptor) {
    ++file_->pins;
    pins.local = file_;
  }
  if (pins.remote == nullptr && this_thread.task.remote == file_->descriptor) {
    ++file_->pins;
    pins.remote = file_;
  }
}

void unpin_ended() noexcept {
  const kcov_binding& binding = this_thread.task.bound;
  const auto end = [](OpenFile*& pin) {
    if (pin != nullptr) unpin(pin);
    pin = nullptr;
  };
  if (binding.descriptor == nullptr || binding.section != 0) end(pins.local);
  if (binding.section == 0) end(pins.section);
  if (this_thread.task.remote == nullptr) end(pins.remote);
}

void start_section(std::uint64_t handle) noexcept {
  // Under the lock: the file cannot go before it is pinned.
  TableGuard guard;
  const bool within = this_thread.task.bound.section != 0;
  section_start<HostPort>(handle);
  if (within || this_thread.task.bound.section == 0) return;
  for (OpenFile* file = table; file != nullptr; file = file->next) {
    if (file->pins == 0 || file->descriptor != this_thread.task.bound.descriptor) continue;
    ++file->pins;
    pins.section = file;
    return;
  }
}

bool add_file(int fd, HostDescriptor* descriptor, const LocalArea& area) noexcept {
  struct stat status;
  if (!look_at(fd, status)) return false;
  TableGuard guard;
  OpenFile* file = table;
  while (file != nullptr && file->pins != 0) file = file->next;
  if (file == nullptr) {
    file = static_cast<OpenFile*>(malloc(sizeof(OpenFile)));
    if (file == nullptr) return false;
    file->next = table;
    table = file;
  }
  *file = {descriptor, status.st_dev, status.st_ino, area, 1, true, file->next};
  return true;
}

void close_own(int fd) noexcept {
  struct stat status;
  const bool seen = look_at(fd, status);
  close(fd);
  if (!seen) return;
  // Only now: it may have been entered, and closed, since.
  const PinnedFile pinned(status);
  if (pinned) pinned.retire_if_closed();
}

int close_file(int fd) noexcept {
  PinnedFile pinned(fd);
  if (!pinned) {
    errno = EBADF;
    return -1;
  }
  if (close(fd) != 0) return -1;
  pinned.retire_if_closed();
  return 0;
}

NoFork::NoFork() noexcept { pthread_mutex_lock(&fork_lock); }
NoFork::~NoFork() { pthread_mutex_unlock(&fork_lock); }

void files_before_fork() noexcept {
  // Other threads may be about to fork too.
  Interruptions mine;
  mine.begin();
  pthread_mutex_lock(&fork_lock);
  pthread_mutex_lock(&table_lock);
  during_fork = mine;
  // For the child, and before it exists: the parent may close at any moment after.
  // If the fork then fails, no process will be the last to close: nothing tells the
  // handlers of a fork that did not happen. The memory goes all the same, with each
  // process's own maps.
  for (OpenFile* file = table; file != nullptr; file = file->next) {
    if (!file->open) continue;
    share(file->descriptor);
    reserve_area(file->area);
  }
}

void files_after_fork_in_parent() noexcept {
  const Interruptions mine = during_fork;
  pthread_mutex_unlock(&table_lock);
  pthread_mutex_unlock(&fork_lock);
  mine.end();
}

void files_after_fork_in_child() noexcept {
  // The calls in progress were those of the parent's threads, and so was the
  // tracing: a file that was kept by that alone is not the child's.
  for (OpenFile* file = table; file != nullptr; file = file->next) {
    const bool kept = !file->open && file->pins != 0;
    file->pins = file->open ? 1 : 0;
    if (!kept) continue;
    unmap_area(file->area);
    HostPort::release(file->descriptor);
  }
  pins = {};
  pthread_mutex_unlock(&table_lock);
  pthread_mutex_unlock(&fork_lock);
  during_fork.end();
}

}  // namespace kcov::host
