// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The core's calls with C linkage, for glue.c.
#include "core/descriptor.hpp"
#include "core/section.hpp"
#include "glue.h"
#include "linux_port.hpp"

namespace {

using kcov::LinuxPort;
using LinuxDescriptor = kcov::Descriptor<LinuxPort>;

LinuxDescriptor* descriptor_of(void* opaque) { return static_cast<LinuxDescriptor*>(opaque); }

}  // namespace

extern "C" {

void* kcov_core_open() { return LinuxDescriptor::open(); }

void kcov_core_close(void* descriptor) { descriptor_of(descriptor)->close(); }

int kcov_core_control(void* descriptor, std::uint32_t command, std::uintptr_t argument) {
  return descriptor_of(descriptor)->control(command, argument);
}

int kcov_core_map(void* descriptor, std::uint64_t offset, std::size_t length,
                  std::uint64_t** area) {
  kcov::Mapping mapping;
  const int error = descriptor_of(descriptor)->map(offset, length, mapping);
  *area = mapping.area;
  return error;
}

void kcov_core_task_init(kcov_task_state* task, std::uint64_t inherited_handle) {
  kcov::task_init(*task, inherited_handle);
}

void kcov_core_task_exit(kcov_task_state* task) { kcov::task_exit<LinuxPort>(*task); }

int kcov_core_create(unsigned soft_areas, std::uint64_t soft_words) {
  return kcov::Remote<LinuxPort>::create(soft_areas, soft_words);
}

void kcov_core_section_start(std::uint64_t handle) { kcov::section_start<LinuxPort>(handle); }

void kcov_core_section_stop() { kcov::section_stop<LinuxPort>(); }

std::uint64_t kcov_core_image_offset() { return kcov::machine::kaslr_offset(); }

void kcov_core_sleep() { kcov::Dormancy<LinuxPort>::sleep(); }

bool kcov_core_is_awake() { return kcov::Dormancy<LinuxPort>::is_awake(); }

unsigned kcov_core_tracers() { return kcov::Dormancy<LinuxPort>::tracers(); }

std::uint64_t kcov_core_common_handle() { return kcov::common_handle<LinuxPort>(); }

}  // extern "C"
