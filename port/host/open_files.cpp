// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The table of open files (open_files.hpp). A list, since a program has a handful:
// one for each thread that it traces.
#include "port/host/open_files.hpp"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kcov::host {

struct OpenFile {
  HostDescriptor* descriptor;
  dev_t device;
  ino_t inode;
  unsigned pins;   // under table_lock
  OpenFile* next;  // under table_lock
};

namespace {

pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
OpenFile* table = nullptr;

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
// program that still holds a dup().
bool still_open(const OpenFile& file) noexcept {
  DIR* const descriptors = opendir("/proc/self/fd");
  if (descriptors == nullptr) return true;
  bool found = false;
  while (const dirent* const entry = found ? nullptr : readdir(descriptors)) {
    struct stat status;
    found = fstatat(dirfd(descriptors), entry->d_name, &status, 0) == 0 && is_file(file, status);
  }
  closedir(descriptors);
  return found;
}

// Takes a pin back, and the whole file with the last one.
void unpin(OpenFile* file) noexcept {
  {
    TableGuard guard;
    if (--file->pins != 0) return;
  }
  unshare(file->descriptor);
  free(file);
}

}  // namespace

PinnedFile::PinnedFile(int fd) noexcept : file_(nullptr) {
  struct stat status;
  if (!look_at(fd, status)) return;
  TableGuard guard;
  for (OpenFile* file = table; file != nullptr; file = file->next) {
    if (!is_file(*file, status)) continue;
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
  if (still_open(*file_)) return;
  OpenFile** link = &table;
  while (*link != nullptr && *link != file_) link = &(*link)->next;
  // Another thread that closed the last dup() meanwhile was here before.
  if (*link == nullptr) return;
  *link = file_->next;
  // The table's pin. Never the last one: that is ours.
  --file_->pins;
}

bool add_file(int fd, HostDescriptor* descriptor) noexcept {
  struct stat status;
  if (!look_at(fd, status)) return false;
  auto* const file = static_cast<OpenFile*>(malloc(sizeof(OpenFile)));
  if (file == nullptr) return false;
  TableGuard guard;
  *file = {descriptor, status.st_dev, status.st_ino, 1, table};
  table = file;
  return true;
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

void files_before_fork() noexcept {
  pthread_mutex_lock(&table_lock);
  // For the child, and before it exists: the parent may close at any moment after.
  // If the fork then fails, the memory of these files stays until this process
  // ends: nothing tells the handlers of a fork that did not happen.
  for (OpenFile* file = table; file != nullptr; file = file->next) share(file->descriptor);
}

void files_after_fork_in_parent() noexcept { pthread_mutex_unlock(&table_lock); }

void files_after_fork_in_child() noexcept {
  // The calls in progress were those of the parent's threads.
  for (OpenFile* file = table; file != nullptr; file = file->next) file->pins = 1;
  pthread_mutex_unlock(&table_lock);
}

}  // namespace kcov::host
