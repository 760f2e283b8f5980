// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/paths.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "support/files.hpp"

namespace fs = std::filesystem;

namespace kcov::lab {
namespace {

fs::path executable_directory() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

const char* environment(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

}  // namespace

Result<fs::path> data_directory() {
  if (const char* given = environment("KCOVTOOL_DATA")) return fs::path(given);
  std::error_code ignored;
  const fs::path here = executable_directory();
  // bin/, build/ and build/PRESET/.
  for (const fs::path& candidate : {(here / KCOV_DATA_FROM_TOOL).lexically_normal(),
                                    here.parent_path(), here.parent_path().parent_path()}) {
    if (fs::exists(candidate / "port/linux/edits", ignored)) return candidate;
  }
  return Error{"cannot find the kernel port's files (port/linux) beside " + here.string() +
               ": set KCOVTOOL_DATA to the directory that holds them"};
}

fs::path cache_directory() {
  if (const char* given = environment("KCOVTOOL_CACHE")) return fs::absolute(given);
  if (const char* cache = environment("XDG_CACHE_HOME")) return fs::path(cache) / "kcovtool";
  if (const char* home = environment("HOME")) return fs::path(home) / ".cache/kcovtool";
  // Never a directory that others can write to: kernels are run from it.
  const passwd* const user = ::getpwuid(::getuid());
  return fs::path(user != nullptr ? user->pw_dir : "/nonexistent") / ".cache/kcovtool";
}

Result<fs::path> agent_path() {
  if (const char* given = environment("KCOVTOOL_AGENT")) {
    std::error_code ignored;
    const bool is_directory = fs::is_directory(given, ignored);
    if (!is_directory && ::access(given, X_OK) == 0) return fs::path(given);
    return Error{"cannot use the agent that KCOVTOOL_AGENT names, " + std::string(given) + ": " +
                 (is_directory ? "it is a directory" : errno_text(errno)) +
                 "; name the kcov-agent of this kcovtool there, or nothing"};
  }
  const fs::path here = executable_directory();
  for (const fs::path& candidate :
       {(here / KCOV_AGENT_FROM_TOOL).lexically_normal(), here / "kcov-agent"}) {
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return Error{"cannot find kcov-agent beside " + here.string() +
               "; build all of the project (cmake --build build), install it, or set "
               "KCOVTOOL_AGENT"};
}

}  // namespace kcov::lab
