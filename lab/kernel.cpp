// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/kernel.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lab/configuration.hpp"
#include "lab/paths.hpp"
#include "support/files.hpp"

namespace fs = std::filesystem;

namespace kcov::lab {
namespace {

fs::path current_link(const std::string& machine, Variant variant) {
  return kernels_directory() / fmt::format("current-{}-{}", machine, name_of(variant));
}

}  // namespace

std::vector<std::string> usual_images(const std::string& release) {
  return {"/usr/lib/debug/boot/vmlinux-" + release,
          "/usr/lib/debug/lib/modules/" + release + "/vmlinux",
          "/lib/modules/" + release + "/build/vmlinux", "/boot/vmlinux-" + release};
}

fs::path kernels_directory() { return cache_directory() / "kernels"; }

Status check_kernels_directory() {
  std::error_code error;
  const fs::directory_iterator entries(kernels_directory(), error);
  if (!error || error == std::errc::no_such_file_or_directory) return {};
  return Error{"cannot read " + kernels_directory().string() + ": " + error.message()};
}

Result<Kernel> read_kernel(const fs::path& directory) {
  const Result<std::string> text = read_file(directory / "kernel.json");
  if (!text) return text.error();
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  if (!json.is_object()) {
    return Error{(directory / "kernel.json").string() + " is damaged: remove " +
                 directory.string() + " and run kcovtool lab build"};
  }
  const auto field = [&json](const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
  };
  return Kernel{.machine = field("machine"),
                .variant = field("variant") == "stock" ? Variant::stock : Variant::ours,
                .release = field("release"),
                .build_id = field("build_id"),
                .directory = directory};
}

Status describe_kernel(const Kernel& kernel, const fs::path& directory) {
  const nlohmann::json json = {{"machine", kernel.machine},
                               {"variant", name_of(kernel.variant)},
                               {"release", kernel.release},
                               {"build_id", kernel.build_id}};
  return write_file(directory / "kernel.json", json.dump(2) + "\n");
}

std::vector<Kernel> list_kernels() {
  std::vector<std::pair<fs::file_time_type, Kernel>> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(kernels_directory(), error)) {
    if (entry.is_symlink() || !fs::exists(entry.path() / "kernel.json")) continue;
    Result<Kernel> kernel = read_kernel(entry.path());
    if (!kernel) continue;
    const fs::path link = current_link(kernel->machine, kernel->variant);
    kernel->current = fs::equivalent(link, entry.path(), error);
    found.emplace_back(entry.last_write_time(error), std::move(*kernel));
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : a.second.directory < b.second.directory;
  });
  std::vector<Kernel> kernels;
  kernels.reserve(found.size());
  for (auto& [time, kernel] : found) kernels.push_back(std::move(kernel));
  return kernels;
}

Result<Kernel> current_kernel(const std::string& machine, Variant variant) {
  const std::string command = fmt::format("kcovtool lab build --machine {}{}", machine,
                                          variant == Variant::stock ? " --stock" : "");
  std::error_code error;
  const fs::path directory = fs::canonical(current_link(machine, variant), error);
  if (error) {
    if (Status readable = check_kernels_directory(); !readable) return readable.error();
    // A name that is none is not to be built either.
    if (const Result<fs::path> data = data_directory()) {
      const auto known = load_configuration(*data, machine, variant);
      if (!known) return known.error();
    }
    return Error{fmt::format("no kernel with {} kcov has been built for the machine {}: run {}",
                             variant == Variant::ours ? "our" : "stock", machine, command)};
  }
  Result<Kernel> kernel = read_kernel(directory);
  if (!kernel || access(kernel->vmlinux().c_str(), X_OK) != 0) {
    return Error{fmt::format("the kernel in {} is damaged: remove that directory and run {}",
                             directory.string(), command)};
  }
  kernel->current = true;
  return kernel;
}

Status make_current(const Kernel& kernel) {
  const fs::path link = current_link(kernel.machine, kernel.variant);
  const fs::path temporary = link.string() + fmt::format(".{}", ::getpid());
  std::error_code error;
  fs::create_symlink(kernel.directory.filename(), temporary, error);
  if (!error) fs::rename(temporary, link, error);
  if (error) return Error{"cannot write " + link.string() + ": " + error.message()};
  return {};
}

}  // namespace kcov::lab
