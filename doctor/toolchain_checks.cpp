// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Compilers, and what else a kernel is built with.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "doctor/checks.hpp"
#include "lab/configuration.hpp"
#include "lab/paths.hpp"
#include "support/command.hpp"
#include "support/files.hpp"

namespace fs = std::filesystem;

namespace kcov::doctor {
namespace {

// Has a branch and a comparison, of variables and with a constant.
constexpr const char* kSource = "int f(int a, int b) { return a == b ? 3 : a > 7 ? b : 0; }\n";

// The unpacked source without what no configuration compiles, and the objects: the kernel itself
// is small beside them.
constexpr std::uint64_t kRoomToBuild = std::uint64_t{2} << 30;

struct Output {
  int status = 127;
  std::string first_line;
  bool calls_trace = false;
  bool calls_compare = false;
};

Output run(std::vector<std::string> arguments) {
  Output output;
  const Result<int> status =
      run_command({.arguments = std::move(arguments),
                   .directory = {},
                   .environment = {"LC_ALL=C"},
                   .on_line = [&](std::string_view line) {
                     if (output.first_line.empty()) output.first_line = line;
                     if (line.find("__sanitizer_cov_trace_pc") != std::string_view::npos)
                       output.calls_trace = true;
                     if (line.find("__sanitizer_cov_trace_cmp") != std::string_view::npos ||
                         line.find("__sanitizer_cov_trace_const_cmp") != std::string_view::npos)
                       output.calls_compare = true;
                   }});
  if (status) output.status = *status;
  return output;
}

// What a compiler makes of the source: assembly, to be searched for calls.
Output compile(const fs::path& compiler, const fs::path& source, const char* coverage) {
  return run({compiler.string(), "-O2", std::string("-fsanitize-coverage=") + coverage, "-S", "-o",
              "-", source.string()});
}

void check_compiler(Section& section, const std::string& name, const fs::path& compiler,
                    const fs::path& source) {
  const Output version = run({compiler.string(), "--version"});
  if (version.status != 0) {
    section.problem(name, fmt::format("{} --version: {}", compiler.string(), version.first_line),
                    fmt::format("install {} again", name));
    return;
  }
  const Output both = compile(compiler, source, "trace-pc,trace-cmp");
  if (both.status == 0 && both.calls_trace && both.calls_compare) {
    section.ok(name, fmt::format("{}: instruments for PCs and comparisons", version.first_line));
    return;
  }
  const Output pcs = compile(compiler, source, "trace-pc");
  if (pcs.status == 0 && pcs.calls_trace) {
    section.ok(name,
               fmt::format("{}: instruments for PCs, not for comparisons", version.first_line),
               "for comparisons: gcc 8 or clang");
  } else {
    section.problem(
        name,
        fmt::format("{}: -fsanitize-coverage=trace-pc {}", version.first_line,
                    pcs.status == 0 ? "makes no call of kcov" : "fails: " + pcs.first_line),
        "gcc 6 or clang 4, and newer ones, can");
  }
}

struct Needed {
  const char* program;
  const char* package;
};
// Programs and Debian's packages of them.
constexpr Needed kPrograms[] = {
    {"gcc", "gcc"},     {"g++", "g++"}, {"make", "make"}, {"ld", "binutils"}, {"flex", "flex"},
    {"bison", "bison"}, {"bc", "bc"},   {"perl", "perl"}, {"tar", "tar"},     {"xz", "xz-utils"},
};

// A kernel is built without them, too.
void check_plugins(Section& section, const Host& host) {
  const fs::path gcc = host.find_program("gcc");
  if (gcc.empty()) return;
  const std::string directory = run({gcc.string(), "-print-file-name=plugin"}).first_line;
  if (host.has(directory + "/include/plugin-version.h")) {
    section.ok("plugins", "gcc's headers for them are in " + directory);
  } else {
    section.ok("plugins",
               "gcc's headers for them are missing: kernels are slower than they could be while "
               "nobody traces",
               fmt::format("apt-get install gcc-{}-plugin-dev",
                           run({gcc.string(), "-dumpversion"}).first_line));
  }
}

void check_room(Section& section, const Host& host) {
  const fs::path cache = lab::cache_directory();
  const std::uint64_t room = host.free_bytes(cache);
  const std::string seen = fmt::format("{} MiB are free for {}", room >> 20, cache.string());
  if (room >= kRoomToBuild) {
    section.ok("room", seen);
  } else {
    section.problem("room", fmt::format("{}; a build takes {}", seen, kRoomToBuild >> 20),
                    "make room (kcovtool lab prune removes superseded kernels), or set "
                    "KCOVTOOL_CACHE to a directory on another disk");
  }
}

}  // namespace

Section check_compilers(const Host& host) {
  Section section;
  section.title = "compilers, for programs of your own (trace --on host) and kernels";
  const Result<TemporaryDirectory> scratch =
      TemporaryDirectory::create(fs::temp_directory_path(), "kcovtool.");
  if (!scratch) {
    section.not_known("compilers", scratch.error().message);
    return section;
  }
  const fs::path source = scratch->path() / "doctor.c";
  if (Status written = write_file(source, kSource); !written) {
    section.not_known("compilers", written.error().message);
    return section;
  }
  std::vector<std::string> missing;
  for (const std::string name : {"gcc", "clang"}) {
    const fs::path compiler = host.find_program(name);
    if (compiler.empty()) {
      missing.push_back(name);
    } else {
      check_compiler(section, name, compiler, source);
    }
  }
  if (missing.size() == 2) {
    section.problem("compilers", "neither gcc nor clang is in PATH", "apt-get install gcc");
  } else if (!missing.empty()) {
    section.not_known(missing[0], missing[0] + " is not in PATH; one compiler will do");
  }
  return section;
}

Section check_build(const Host& host, const std::string& machine) {
  Section section;
  section.title = fmt::format("building a kernel (lab build --machine {})", machine);
  std::vector<std::string> missing;
  const auto lacks = [&missing](const std::string& package) {
    if (std::find(missing.begin(), missing.end(), package) == missing.end())
      missing.push_back(package);
  };
  for (const Needed& needed : kPrograms)
    if (host.find_program(needed.program).empty()) lacks(needed.package);
  // objtool's.
  if (lab::base_of(machine) != "um" && !host.has("/usr/include/gelf.h")) lacks("libelf-dev");
  if (missing.empty()) {
    section.ok("packages", "compiler, linker, make, flex, bison, bc, perl, tar and xz are in PATH");
  } else {
    section.problem("packages", fmt::format("missing: {}", fmt::join(missing, " ")),
                    fmt::format("apt-get install {}", fmt::join(missing, " ")));
  }

  const Result<fs::path> data = lab::data_directory();
  if (!data) {
    section.problem("port", data.error().message,
                    "run kcovtool from where it was built or installed");
    return section;
  }
  const Result<lab::Configuration> configuration =
      lab::load_configuration(*data, machine, lab::Variant::ours);
  if (!configuration) {
    section.problem("machine", configuration.error().message, "name one of those");
    return section;
  }
  const std::string source = fmt::format("/usr/src/linux-source-{}.tar.xz", configuration->series);
  if (host.has(source)) {
    section.ok("source", fmt::format("{} is there", source));
  } else {
    section.problem("source", fmt::format("{} is not there", source),
                    fmt::format("apt-get install linux-source-{}, or name a kernel tree with "
                                "lab build --source",
                                configuration->series));
  }
  if (!configuration->plugins.empty()) check_plugins(section, host);
  check_room(section, host);
  return section;
}

}  // namespace kcov::doctor
