// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What has to be known and hooked once for a process: where its program was
// loaded, its signals, and fork().
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/task_switch.h"
#include "port/host/open_files.hpp"
#include "port/host/sites.hpp"

namespace kcov::host {

std::uintptr_t load_bias = 0;

namespace {

pthread_once_t started = PTHREAD_ONCE_INIT;

// Without memory for it KCOV_REMOTE_ENABLE says ENOMEM. No areas for soft interrupts:
// a process has none.
void create_remote() { (void)Remote<HostPort>::create(0, 0); }

// The file that PCs are addresses in: the program's, or that of the library that this
// variable names, by its path or by the end of it.
constexpr const char* kImageVariable = "KCOV_HOST_IMAGE";

struct Image {
  const char* wanted;  // null: the program
  bool found;
};

bool ends_a_path(const char* path, const char* name) {
  const std::size_t whole = strlen(path);
  const std::size_t part = strlen(name);
  if (part > whole || strcmp(path + whole - part, name) != 0) return false;
  return part == whole || path[whole - part - 1] == '/';
}

int look_at_image(dl_phdr_info* info, std::size_t, void* argument) {
  auto& image = *static_cast<Image*>(argument);
  // The first object that the dynamic linker reports is the program itself.
  image.found = image.wanted == nullptr || ends_a_path(info->dlpi_name, image.wanted);
  if (!image.found) return 0;
  store_once(load_bias, static_cast<std::uintptr_t>(info->dlpi_addr));
  return 1;
}

bool take_load_bias(const char* image) {
  Image search{image, false};
  dl_iterate_phdr(look_at_image, &search);
  return search.found;
}

const char* wanted_image() {
  const char* const name = getenv(kImageVariable);
  return name != nullptr && *name != '\0' ? name : nullptr;
}

bool image_found = true;

// The child has this thread's memory, and its signals arrive before anything of ours
// runs in it: nothing is recorded from here on until it is known which of the two runs.
void before_fork() {
  kcov_begin_switch(&this_thread.task);
  files_before_fork();
  sites_before_fork();
}

void after_fork_in_parent() {
  sites_after_fork_in_parent();
  files_after_fork_in_parent();
  kcov_end_switch(&this_thread.task);
}

void after_fork_in_child() {
  // The child's only thread is new, whatever its memory says (contract 31).
  task_init(this_thread.task, this_thread.task.common_handle);
  sites_after_fork_in_child();
  files_after_fork_in_child();
  // Handles are the process's own.
  if (auto* const parents = Remote<HostPort>::instance(); parents != nullptr)
    HostPort::release(parents);
  Remote<HostPort>::forget();
  create_remote();
}

void start_once() {
  image_found = take_load_bias(wanted_image());
  if (!image_found) take_load_bias(nullptr);
  start_signals();
  start_jumps();
  start_watching();
  create_remote();
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  start_sites();
}

}  // namespace

void start() noexcept { pthread_once(&started, start_once); }

void start_descriptors() noexcept {
  start();
  if (image_found || wanted_image() == nullptr) return;
  // It may have been loaded since. Not said any earlier: most processes that find the
  // variable in their environment never ask for a trace.
  image_found = take_load_bias(wanted_image());
  if (!image_found)
    HostPort::warn("kcov: KCOV_HOST_IMAGE names no library that is loaded: PCs are the program's");
  image_found = true;
}

}  // namespace kcov::host
