// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/build.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <functional>
#include <sstream>
#include <thread>

#include "lab/configuration.hpp"
#include "lab/paths.hpp"
#include "lab/source.hpp"
#include "lab/source_files.hpp"
#include "support/command.hpp"
#include "support/files.hpp"
#include "support/interrupt.hpp"
#include "symbol/image.hpp"

namespace fs = std::filesystem;

namespace kcov::lab {
namespace {

// To be raised when the steps below change in a way that changes what is built.
constexpr int kRecipe = 2;

// What kbuild calls a machine, what it makes for it, and the image that is booted where that
// is not vmlinux.
struct Recipe {
  const char* machine;
  const char* arch;
  const char* target;
  const char* image;
};
constexpr Recipe kRecipes[] = {{"um", "um", "linux", nullptr},
                               {"x86_64", "x86_64", "bzImage", "arch/x86/boot/bzImage"}};

const Recipe* recipe_for(const std::string& machine) {
  const auto* const found =
      std::find_if(std::begin(kRecipes), std::end(kRecipes),
                   [&](const Recipe& recipe) { return recipe.machine == machine; });
  return found == std::end(kRecipes) ? nullptr : found;
}

using Step = std::function<void(std::string_view)>;

// One build at a time for each cache: waits for its turn, and lets go at the end. What
// run_command() starts holds it too, until the last of a build that was killed is gone.
class BuildLock {
 public:
  static Result<BuildLock> take(const fs::path& cache, const Step& step) {
    std::error_code ignored;
    fs::create_directories(cache, ignored);
    const fs::path path = cache / "build.lock";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
      return Error{"cannot write to the kernel cache " + cache.string() + ": " + errno_text(errno) +
                   "; set KCOVTOOL_CACHE to a directory that can be written"};
    }
    int how = LOCK_EX | LOCK_NB;
    while (::flock(fd, how) != 0) {
      const int error = errno;
      if (error == EINTR && interrupted() == 0) continue;
      if (error == EWOULDBLOCK) {
        if (step) step("waiting for another build in " + cache.string());
        how = LOCK_EX;
        continue;
      }
      ::close(fd);
      if (interrupted() != 0) {
        return interruption();
      }
      return Error{"cannot lock " + path.string() + ": " + errno_text(error) +
                   "; set KCOVTOOL_CACHE to a directory on a local file system"};
    }
    return BuildLock(fd);
  }
  BuildLock(BuildLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  BuildLock& operator=(BuildLock&&) = delete;
  ~BuildLock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  explicit BuildLock(int fd) : fd_(fd) {}
  int fd_;
};

// A directory that is removed when it leaves scope.
class WorkDirectory {
 public:
  // Without what an earlier build, killed outright, has left there.
  static Result<WorkDirectory> create(const fs::path& path) {
    std::error_code error;
    fs::remove_all(path, error);
    if (!error) fs::create_directories(path, error);
    if (error) return Error{"cannot empty " + path.string() + ": " + error.message()};
    return WorkDirectory(path);
  }
  WorkDirectory(WorkDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  WorkDirectory& operator=(WorkDirectory&&) = delete;
  ~WorkDirectory() {
    if (path_.empty()) return;
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  explicit WorkDirectory(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

std::string compiler_versions() {
  std::string versions;
  for (const char* compiler : {"gcc", "g++", "ld"}) {
    const Result<int> ignored = run_command(
        {.arguments = {compiler, "--version"},
         .directory = {},
         .environment = {},
         .on_line = [&](std::string_view line) { versions += std::string(line) + "\n"; }});
    if (!ignored) break;
  }
  return versions;
}

// Whether gcc can compile plugins of its own. (Debian: gcc-12-plugin-dev.)
bool has_plugin_headers() {
  fs::path directory;
  const Result<int> ignored =
      run_command({.arguments = {"gcc", "-print-file-name=plugin"},
                   .directory = {},
                   .environment = {},
                   .on_line = [&](std::string_view line) { directory = line; }});
  std::error_code error;
  return ignored && fs::exists(directory / "include/plugin-version.h", error);
}

// Everything of ours that goes into a kernel of this variant for this machine, as one text.
Result<std::string> ingredients(const fs::path& data, const Series& series, Variant variant,
                                const std::string& machine) {
  std::string all;
  for (const Edit& edit : series.edits) {
    if (!applies(edit, variant, machine)) continue;
    all += fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n", edit.name, edit.file, edit.replace,
                       edit.replace_block, edit.append, edit.absent, edit.within, edit.with);
  }
  for (const FileCopy& copy : series.files) {
    if (applies(copy, variant)) all += copy.from + " to " + copy.to + "\n";
  }
  std::vector<fs::path> paths;
  for (const FileCopy& copy : series.files) {
    if (!applies(copy, variant)) continue;
    if (!fs::is_directory(data / copy.from)) {
      paths.push_back(data / copy.from);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(data / copy.from)) {
      if (entry.is_regular_file()) paths.push_back(entry.path());
    }
  }
  std::sort(paths.begin(), paths.end());
  for (const fs::path& path : paths) {
    const Result<std::string> text = read_file(path);
    if (!text) return text.error();
    all += path.lexically_relative(data).string() + "\n" + *text;
  }
  return all;
}

// The last lines of a log, for an error message.
// Its last lines, and before them those that say what went wrong: what is built beside it goes on
// for a while.
std::string end_of(const fs::path& log, std::size_t lines) {
  std::deque<std::string> last;
  std::string errors;
  if (const Result<std::string> text = read_file(log)) {
    std::istringstream stream(*text);
    for (std::string line; std::getline(stream, line);) {
      last.push_back("  " + line + "\n");
      if (last.size() <= lines) continue;
      const std::string& passed = last.front();
      if (passed.find("error: ") != std::string::npos ||
          passed.find("undefined reference") != std::string::npos)
        errors += passed;
      last.pop_front();
    }
  }
  std::string joined = errors.empty() ? std::string() : errors + "  ...\n";
  for (const std::string& line : last) joined += line;
  return joined;
}

class Builder {
 public:
  Builder(const BuildRequest& request, const Recipe& recipe, fs::path tree, fs::path log)
      : request_(request), recipe_(recipe), tree_(std::move(tree)), log_(std::move(log)) {}

  Status make(std::vector<std::string> targets, std::vector<std::string> environment = {}) {
    std::FILE* const log = std::fopen(log_.c_str(), "a");
    if (log == nullptr) return Error{"cannot write " + log_.string() + ": " + errno_text(errno)};
    // Without what the caller's shell may hold for builds of its own: it is not in the key.
    std::vector<std::string> arguments = {"env"};
    for (const char* variable :
         {"KBUILD_OUTPUT", "O", "CROSS_COMPILE", "KCFLAGS", "KCPPFLAGS", "KAFLAGS", "LLVM", "ARCH",
          "SUBARCH", "MAKEFLAGS", "MFLAGS", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "V",
          "KBUILD_VERBOSE", "KCONFIG_CONFIG", "LOCALVERSION"}) {
      arguments.insert(arguments.end(), {"-u", variable});
    }
    arguments.insert(arguments.end(),
                     {"make", std::string("ARCH=") + recipe_.arch, "CC=" + compiler()});
    arguments.insert(arguments.end(), targets.begin(), targets.end());
    // What would make two builds of the same things differ.
    for (const char* fixed : {"KBUILD_BUILD_USER=kcov", "KBUILD_BUILD_HOST=lab",
                              "KBUILD_BUILD_TIMESTAMP=1970-01-01", "LC_ALL=C"}) {
      environment.emplace_back(fixed);
    }
    // ccache, where it is there, takes a file's headers from the compiler's own list: running
    // the preprocessor first, to hash what it prints, makes a first build half as slow again.
    environment.emplace_back("CCACHE_DEPEND=1");
    // And what the compiler is, and a plugin of it, from their contents: a plugin that has just
    // been built would be another one by its time.
    environment.emplace_back("CCACHE_COMPILERCHECK=content");
    int objects = 0;
    const Result<int> status =
        run_command({.arguments = arguments,
                     .directory = tree_,
                     .environment = environment,
                     .on_line = [&](std::string_view line) {
                       std::fwrite(line.data(), 1, line.size(), log);
                       std::fputc('\n', log);
                       if (line.starts_with("  CC ") || line.starts_with("  CXX ")) {
                         ++objects;
                         if (request_.on_object)
                           request_.on_object(objects, line.substr(line.rfind(' ') + 1));
                       }
                     }});
    const bool log_written = std::fclose(log) == 0;
    if (!status) return status.error();
    if (*status == 127) return Error{"cannot build the kernel: make is not installed"};
    if (*status != 0 || !log_written) {
      return Error{fmt::format("cannot build the kernel: make {} failed; the end of its log:\n{}",
                               fmt::join(targets, " "), end_of(log_, 15))};
    }
    return {};
  }

  // allnoconfig and the options of `fragment`, each of which must have survived.
  Status configure(const std::string& fragment) {
    const fs::path file = tree_ / "lab.config";
    if (Status written = write_file(file, fragment); !written) return written;
    if (Status done = make({"allnoconfig"}, {"KCONFIG_ALLCONFIG=" + file.string()}); !done) {
      return done;
    }
    const Result<std::string> config = read_file(tree_ / ".config");
    if (!config) return config.error();
    std::istringstream lines(fragment);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("CONFIG_") && config->find("\n" + line + "\n") == std::string::npos) {
        return Error{
            fmt::format("cannot configure the kernel: {} does not take in this tree", line)};
      }
    }
    return {};
  }

 private:
  static std::string compiler() {
    return ::access("/usr/bin/ccache", X_OK) == 0 ? "ccache gcc" : "gcc";
  }

  const BuildRequest& request_;
  const Recipe& recipe_;
  fs::path tree_;
  fs::path log_;
};

Status keep(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::copy_file(from, to, error);
  if (error) return Error{"cannot write " + to.string() + ": " + error.message()};
  return {};
}

// Keeps the modules that were built, and adds them to the kernel's image: their source is to be
// kept, too.
Status keep_modules(const fs::path& tree, const fs::path& to, symbol::Image& image) {
  std::error_code error;
  // Of no matter here, but for being another for each.
  std::uint64_t start = 0xffff'ffff'a000'0000;
  constexpr std::uint64_t kRoom = 1 << 24;
  for (const auto& entry : fs::recursive_directory_iterator(tree, error)) {
    if (entry.path().extension() != ".ko") continue;
    const fs::path kept = to / entry.path().lexically_relative(tree);
    fs::create_directories(kept.parent_path(), error);
    if (Status done = keep(entry.path(), kept); !done) return done;
    if (Status done = image.add_module(kept.string(), start); !done) return done;
    start += kRoom;
  }
  return {};
}

// Unpacks, edits, configures and builds in `tree`, and leaves the results in `result`.
Status build_into(const BuildRequest& request, const Configuration& configuration,
                  const Recipe& recipe, const Source& source, const fs::path& data,
                  const fs::path& tree, const fs::path& result) {
  const auto step = [&](std::string_view text) {
    if (request.on_step) request.on_step(text);
  };
  step("unpacking " + source.path.string());
  if (Status done = unpack_source(source, tree); !done) return done;
  const Result<std::string> series_name = series_of(tree);
  if (!series_name) return series_name.error();
  const Result<Series> series = load_series(data, *series_name);
  if (!series) return series.error();
  if (Status done = apply_series(*series, request.variant, configuration.base, data, tree); !done)
    return done;

  Builder builder(request, recipe, tree, result / "build.log");
  step("configuring");
  if (Status done = builder.configure(configuration.fragment); !done) return done;
  step("building");
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::string> targets = {fmt::format("-j{}", cores),
                                      recipe.image == nullptr ? recipe.target : "vmlinux"};
  const bool has_modules = configuration.fragment.find("=m\n") != std::string::npos;
  if (has_modules) targets.emplace_back("modules");
  if (Status done = builder.make(targets); !done) return done;
  // The image is assembled around the packed kernel (.incbin), which ccache does not look at: it
  // would give back the image of another kernel that packs to as many bytes.
  if (recipe.image != nullptr) {
    if (Status done = builder.make({targets[0], recipe.target}, {"CCACHE_DISABLE=1"}); !done)
      return done;
  }

  if (Status done = keep(tree / "vmlinux", result / "vmlinux"); !done) return done;
  if (recipe.image != nullptr) {
    if (Status done = keep(tree / recipe.image, result / "image"); !done) return done;
  }
  if (Status done = keep(tree / ".config", result / "config"); !done) return done;
  Result<std::string> release = read_file(tree / "include/config/kernel.release");
  if (!release) return release.error();
  release->erase(release->find_last_not_of('\n') + 1);
  Result<symbol::Image> image = symbol::Image::open((result / "vmlinux").string());
  if (!image) return image.error();
  if (has_modules) {
    if (Status done = keep_modules(tree, result / "modules", *image); !done) return done;
  }
  if (Status done = keep_source_files(*image, tree, result / "source"); !done) return done;
  return describe_kernel({.machine = request.machine,
                          .variant = request.variant,
                          .release = *release,
                          .build_id = image->build_id(),
                          .directory = {}},
                         result);
}

}  // namespace

Result<BuildResult> build_kernel(const BuildRequest& request) {
  const Result<fs::path> data = data_directory();
  if (!data) return data.error();
  Result<Configuration> configuration = load_configuration(*data, request.machine, request.variant);
  if (!configuration) return configuration.error();
  if (!configuration->plugins.empty()) {
    if (has_plugin_headers())
      configuration->fragment += configuration->plugins;
    else if (request.on_step)
      request.on_step("without the headers of gcc's plugins (Debian: gcc-12-plugin-dev)");
  }
  const Recipe* const recipe = recipe_for(configuration->base);
  if (recipe == nullptr) {
    return Error{fmt::format("there is no machine \"{}\"", configuration->base), 2};
  }
  const Result<Source> source = find_source(request.source, configuration->series);
  if (!source) return source.error();

  // The series is known for sure only once a tarball is unpacked; the file of each
  // series we have goes into the key, so that a change in any means a new kernel.
  std::string all = fmt::format("{} {} {:016x} {}\n{}\n", kRecipe, name_of(request.variant),
                                source->hash, compiler_versions(), configuration->fragment);
  std::error_code error;
  std::vector<fs::path> specifications;
  for (const auto& entry : fs::directory_iterator(*data / "port/linux/edits", error)) {
    specifications.push_back(entry.path());
  }
  std::sort(specifications.begin(), specifications.end());
  for (const fs::path& path : specifications) {
    const Result<Series> series = load_series(*data, path.stem().string());
    if (!series) return series.error();
    const Result<std::string> ours =
        ingredients(*data, *series, request.variant, configuration->base);
    if (!ours) return ours.error();
    all += *ours;
  }
  if (source->is_tree) {
    // A tree of a series without a port is refused before anything is copied.
    const Result<std::string> name = series_of(source->path);
    if (!name) return name.error();
    const bool known = std::any_of(specifications.begin(), specifications.end(),
                                   [&](const fs::path& path) { return path.stem() == *name; });
    if (!known) {
      std::vector<std::string> names;
      names.reserve(specifications.size());
      for (const fs::path& path : specifications) names.push_back(path.stem().string());
      return Error{fmt::format("cannot use {}: it is Linux {}, and there is a port for {} only",
                               source->path.string(), *name, fmt::join(names, ", "))};
    }
  }
  const std::string key = fmt::format("{:016x}", XXH3_64bits(all.data(), all.size()));

  const fs::path shelf =
      kernels_directory() / fmt::format("{}-{}-{}", request.machine, name_of(request.variant), key);
  // What is there and current is nobody's to change: no need to wait for others' builds.
  if (const Result<Kernel> current = current_kernel(request.machine, request.variant);
      current && fs::equivalent(current->directory, shelf, error)) {
    if (Result<Kernel> kernel = read_kernel(shelf)) return BuildResult{*kernel, true};
  }
  const Result<BuildLock> lock = BuildLock::take(cache_directory(), request.on_step);
  if (!lock) return lock.error();
  bool was_there = fs::exists(shelf / "kernel.json", error);
  if (!was_there) {
    // Always the same place, so that ccache knows the files of an earlier build again.
    const Result<WorkDirectory> work = WorkDirectory::create(cache_directory() / "work");
    if (!work) return work.error();
    const fs::path result = work->path() / "result";
    fs::create_directories(result, error);
    fs::create_directories(kernels_directory(), error);
    if (error)
      return Error{"cannot write to " + cache_directory().string() + ": " + error.message()};
    if (Status done = build_into(request, *configuration, *recipe, *source, *data,
                                 work->path() / "tree", result);
        !done) {
      // A gigabyte and more of small files: that takes a while.
      if (interrupted() != 0 && request.on_step) {
        request.on_step("interrupted; removing " + work->path().string());
      }
      return done.error();
    }
    fs::remove_all(shelf, error);
    fs::rename(result, shelf, error);
    if (error) return Error{"cannot write " + shelf.string() + ": " + error.message()};
  }
  Result<Kernel> kernel = read_kernel(shelf);
  if (!kernel) return kernel.error();
  if (Status done = make_current(*kernel); !done) return done.error();
  return BuildResult{*kernel, was_there};
}

Result<std::vector<Kernel>> remove_superseded_kernels() {
  // A kernel that has just been built is not current for a moment.
  const Result<BuildLock> lock = BuildLock::take(cache_directory(), {});
  if (!lock) return lock.error();
  std::vector<Kernel> removed;
  for (Kernel& kernel : list_kernels()) {
    if (kernel.current) continue;
    std::error_code error;
    fs::remove_all(kernel.directory, error);
    if (error) {
      return Error{"cannot remove " + kernel.directory.string() + ": " + error.message()};
    }
    removed.push_back(std::move(kernel));
  }
  return removed;
}

}  // namespace kcov::lab
