// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <regex>
#include <vector>

#include "support/command.hpp"
#include "support/files.hpp"
#include "support/interrupt.hpp"

namespace fs = std::filesystem;

namespace kcov::lab {
namespace {

Result<std::uint64_t> hash_of_file(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  XXH3_state_t* const state = XXH3_createState();
  XXH3_64bits_reset(state);
  std::vector<char> block(1 << 20);
  ssize_t n = -1;
  while (file >= 0 && interrupted() == 0 &&
         ((n = ::read(file, block.data(), block.size())) > 0 || (n < 0 && errno == EINTR))) {
    if (n > 0) XXH3_64bits_update(state, block.data(), static_cast<std::size_t>(n));
  }
  const int error = errno;
  const std::uint64_t hash = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  if (file >= 0) ::close(file);
  if (n == 0) return hash;
  if (interrupted() != 0) return interruption();
  return Error{"cannot read the kernel source " + path.string() + ": " + errno_text(error)};
}

// A tree has some 90 000 files: names, sizes and times tell whether it has changed.
Result<std::uint64_t> hash_of_tree(const fs::path& tree) {
  std::vector<std::string> lines;
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(tree, error);
       !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    if (!it->is_regular_file(ignored) || it->is_symlink(ignored)) continue;
    lines.push_back(fmt::format("{} {} {}\n", it->path().lexically_relative(tree).string(),
                                it->file_size(ignored),
                                it->last_write_time(ignored).time_since_epoch().count()));
  }
  if (error)
    return Error{"cannot read the kernel source " + tree.string() + ": " + error.message()};
  std::sort(lines.begin(), lines.end());
  std::string all = fs::absolute(tree).string();
  for (const std::string& line : lines) all += line;
  return XXH3_64bits(all.data(), all.size());
}

// Half of a tarball's files, of which no configuration of the lab compiles one; what the
// configuring itself reads (Kconfig, Makefile) stays. Less to write, and to remove again.
constexpr const char* kNotNeeded[] = {
    "*/Documentation/*.rst",
    "*/Documentation/*.txt",
    "*/Documentation/*.yaml",
    "*/Documentation/*.svg",
    "*.dts",
    "*.dtsi",
    "*/arch/alpha/*.[chS]",
    "*/arch/arc/*.[chS]",
    "*/arch/arm/*.[chS]",
    "*/arch/arm64/*.[chS]",
    "*/arch/csky/*.[chS]",
    "*/arch/hexagon/*.[chS]",
    "*/arch/ia64/*.[chS]",
    "*/arch/loongarch/*.[chS]",
    "*/arch/m68k/*.[chS]",
    "*/arch/microblaze/*.[chS]",
    "*/arch/mips/*.[chS]",
    "*/arch/nios2/*.[chS]",
    "*/arch/openrisc/*.[chS]",
    "*/arch/parisc/*.[chS]",
    "*/arch/powerpc/*.[chS]",
    "*/arch/riscv/*.[chS]",
    "*/arch/s390/*.[chS]",
    "*/arch/sh/*.[chS]",
    "*/arch/sparc/*.[chS]",
    "*/arch/xtensa/*.[chS]",
    "*/drivers/gpu/*.[ch]",
    "*/drivers/infiniband/*.[ch]",
    "*/drivers/media/*.[ch]",
    "*/drivers/net/ethernet/*.[ch]",
    "*/drivers/net/wireless/[a-uw-z]*/*.[ch]",  // not the simulator, virtual/
    "*/drivers/scsi/*.[ch]",
    "*/drivers/staging/*.[ch]",
    "*/sound/*.[ch]",
    "*/tools/perf/*",
    "*/tools/testing/*",
};

}  // namespace

Result<Source> find_source(const fs::path& given, const std::string& series) {
  const fs::path path =
      given.empty() ? fs::path(fmt::format("/usr/src/linux-source-{}.tar.xz", series)) : given;
  std::error_code error;
  if (fs::is_directory(path, error)) {
    if (const Result<std::string> found = series_of(path); !found) return found.error();
    const Result<std::uint64_t> hash = hash_of_tree(path);
    if (!hash) return hash.error();
    return Source{fs::canonical(path), true, *hash};
  }
  if (!fs::is_regular_file(path, error)) {
    if (given.empty()) {
      return Error{fmt::format(
          "cannot find the kernel source {}: install it (apt-get install linux-source-{}), or "
          "name a tree with --source",
          path.string(), series)};
    }
    return Error{fmt::format(
        "cannot use {} as kernel source: {}; name a kernel tree or a tarball of one", path.string(),
        fs::exists(path, error) ? "it is neither a directory nor a file"
                                : "there is no such file")};
  }
  const Result<std::uint64_t> hash = hash_of_file(path);
  if (!hash) return hash.error();
  return Source{fs::canonical(path), false, *hash};
}

Status unpack_source(const Source& source, const fs::path& tree) {
  std::error_code error;
  fs::create_directories(tree, error);
  if (error) return Error{"cannot make " + tree.string() + ": " + error.message()};
  std::vector<std::string> command;
  if (source.is_tree) {
    command = {"cp", "-a", "--reflink=auto", source.path.string() + "/.", tree.string()};
  } else {
    command = {"tar", "-xf", source.path.string(), "-C", tree.string(), "--strip-components=1"};
    for (const char* pattern : kNotNeeded) command.push_back(std::string("--exclude=") + pattern);
  }
  // The first complaint is the reason, unless a full disk is among them (a write cut short
  // comes before it); what follows are its consequences.
  std::string complaint;
  const Result<int> status =
      run_command({.arguments = command,
                   .directory = {},
                   .environment = {"LC_ALL=C"},
                   .on_line = [&](std::string_view line) {
                     if (complaint.empty() || line.ends_with("No space left on device")) {
                       complaint = line;
                     }
                   }});
  if (!status) return status.error();
  if (*status != 0) {
    return Error{
        fmt::format("cannot unpack the kernel source {}: {}", source.path.string(), complaint)};
  }
  return {};
}

Result<std::string> series_of(const fs::path& tree) {
  const Result<std::string> makefile = read_file(tree / "Makefile");
  if (!makefile) {
    return Error{
        fmt::format("cannot use {} as kernel source: {}; name the top directory of a kernel tree",
                    tree.string(), makefile.error().message)};
  }
  std::smatch version;
  std::smatch patchlevel;
  if (!std::regex_search(*makefile, version, std::regex("(^|\n)VERSION\\s*=\\s*(\\d+)\n")) ||
      !std::regex_search(*makefile, patchlevel, std::regex("(^|\n)PATCHLEVEL\\s*=\\s*(\\d+)\n"))) {
    return Error{fmt::format(
        "cannot use {} as kernel source: its Makefile does not say VERSION and PATCHLEVEL; name "
        "the top directory of a kernel tree",
        tree.string())};
  }
  return fmt::format("{}.{}", version[2].str(), patchlevel[2].str());
}

}  // namespace kcov::lab
