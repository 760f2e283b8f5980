// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/agent/modules.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "lab/agent/proc.hpp"
#include "support/elf_notes.hpp"

namespace kcov::agent {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// Where the kernel's code begins, of which it is known where it was linked; 0: it does not say.
std::uint64_t find_text() {
  const File file(std::fopen("/proc/kallsyms", "re"));
  char line[1024];
  while (file != nullptr && std::fgets(line, sizeof line, file.get()) != nullptr) {
    std::uint64_t address = 0;
    char name[8] = {};
    if (std::sscanf(line, "%" SCNx64 " %*c %7s", &address, name) == 2 &&
        std::strcmp(name, "_stext") == 0)
      return address;
  }
  return 0;
}

}  // namespace

lab::LoadedModules loaded_modules() {
  lab::LoadedModules loaded;
  const File file(std::fopen("/proc/modules", "re"));
  char line[4096];
  while (file != nullptr && std::fgets(line, sizeof line, file.get()) != nullptr) {
    // binfmt_misc 16384 1 - Live 0xffffffffc0000000
    char name[64];
    lab::LoadedModule module;
    if (std::sscanf(line, "%63s %" SCNu64 " %*s %*s %*s %" SCNx64, name, &module.size,
                    &module.start) != 3 ||
        module.start == 0)
      continue;
    module.name = name;
    module.build_id = build_id_in_notes(
        read_file("/sys/module/" + module.name + "/notes/.note.gnu.build-id", 4096));
    loaded.modules.push_back(std::move(module));
  }
  // From 6.4 on a module's data lies elsewhere, and the size is that of all its parts: its code
  // ends before the next one's.
  std::sort(loaded.modules.begin(), loaded.modules.end(),
            [](const auto& a, const auto& b) { return a.start < b.start; });
  for (std::size_t i = 1; i < loaded.modules.size(); ++i) {
    lab::LoadedModule& before = loaded.modules[i - 1];
    before.size = std::min(before.size, loaded.modules[i].start - before.start);
  }
  if (!loaded.modules.empty()) loaded.text_start = find_text();
  return loaded;
}

}  // namespace kcov::agent
