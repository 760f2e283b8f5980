// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Asks the dynamic linker what is loaded (modules.hpp).
#include "port/host/modules.hpp"

#include <link.h>
#include <string.h>
#include <unistd.h>

namespace kcov::host {

namespace {

struct Table {
  TraceFileHeader& header;
  TraceFileModule* modules;
  std::uint32_t kept;  // our own count: the header is shared with the tool
};

bool same(const TraceFileModule& left, const TraceFileModule& right) {
  return left.start == right.start && left.end == right.end && strcmp(left.path, right.path) == 0;
}

int add(dl_phdr_info* info, std::size_t, void* argument) {
  auto& table = *static_cast<Table*>(argument);
  TraceFileModule module{};
  if (info->dlpi_name[0] != '\0') {
    strncpy(module.path, info->dlpi_name, sizeof module.path - 1);
  } else if (readlink("/proc/self/exe", module.path, sizeof module.path - 1) < 0) {
    return 0;
  }
  // What the kernel put there, such as the vdso, has no file.
  if (strchr(module.path, '/') == nullptr) return 0;
  module.bias = info->dlpi_addr;
  module.start = UINT64_MAX;
  for (int index = 0; index < info->dlpi_phnum; ++index) {
    const auto& segment = info->dlpi_phdr[index];
    if (segment.p_type != PT_LOAD) continue;
    const std::uint64_t start = module.bias + segment.p_vaddr;
    const std::uint64_t end = start + segment.p_memsz;
    if (start < module.start) module.start = start;
    if (end > module.end) module.end = end;
  }
  if (module.end == 0) return 0;
  for (std::uint32_t index = 0; index < table.kept; ++index)
    if (same(table.modules[index], module)) return 0;
  if (table.kept == kTraceFileModules) {
    ++table.header.modules_left_out;
    return 0;
  }
  table.modules[table.kept++] = module;
  return 0;
}

}  // namespace

void add_modules(TraceFileHeader& header, TraceFileModule* table) noexcept {
  Table state{header, table, header.modules < kTraceFileModules ? header.modules : 0};
  header.modules_left_out = 0;
  dl_iterate_phdr(add, &state);
  header.modules = state.kept;
}

}  // namespace kcov::host
