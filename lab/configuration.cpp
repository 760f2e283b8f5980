// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/configuration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string_view>

#include "support/files.hpp"

namespace fs = std::filesystem;

namespace kcov::lab {
namespace {

constexpr std::string_view kPlugins = "plugins: ";

// The option that a line sets or takes back, or nothing.
std::string option_of(const std::string& line) {
  std::size_t begin = line.starts_with("# CONFIG_") ? 2 : 0;
  if (line.starts_with(kPlugins)) begin = kPlugins.size();
  if (line.compare(begin, 7, "CONFIG_") != 0) return {};
  return line.substr(begin, line.find_first_of("= ", begin) - begin);
}

// The names of the configurations there are.
std::string names(const fs::path& directory) {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error))
    found.push_back(entry.path().stem().string());
  std::sort(found.begin(), found.end());
  return fmt::format("{}", fmt::join(found, ", "));
}

// Adds a file's lines to `lines`, by option: the last one stands.
Status read(const fs::path& directory, const std::string& name, Variant variant,
            Configuration& configuration, std::map<std::string, std::string>& lines) {
  const Result<std::string> text = read_file(directory / (name + ".config"));
  // A name is no path.
  if (!text || name.find('/') != std::string::npos) {
    return Error{fmt::format("there is no machine \"{}\": try one of {}", name, names(directory)),
                 2};
  }
  std::istringstream stream(*text);
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("ours: ")) {
      if (variant != Variant::ours) continue;
      line.erase(0, 6);
    }
    if (line.starts_with(kPlugins) && variant != Variant::ours) continue;
    if (const std::string option = option_of(line); !option.empty()) {
      lines[option] = line;
    } else if (line.starts_with("include ")) {
      Status done = read(directory, line.substr(8), variant, configuration, lines);
      if (!done) return done;
    } else if (line.starts_with("series ")) {
      configuration.series = line.substr(7);
    } else if (!line.empty() && line[0] != '#') {
      return Error{fmt::format("cannot read {}: \"{}\" is no line of a configuration",
                               (directory / (name + ".config")).string(), line)};
    }
  }
  return {};
}

}  // namespace

std::string base_of(const std::string& name) { return name.substr(0, name.find('-')); }

Result<Configuration> load_configuration(const fs::path& data, const std::string& name,
                                         Variant variant) {
  Configuration configuration{
      .name = name, .base = base_of(name), .series = "6.12", .fragment = {}, .plugins = {}};
  std::map<std::string, std::string> lines;
  if (Status done = read(data / "lab/config", name, variant, configuration, lines); !done)
    return done.error();
  const auto kcov = lines.find("CONFIG_KCOV");
  if (variant == Variant::ours && kcov != lines.end() && kcov->second[0] == '#') {
    return Error{fmt::format("the machine {} has no kcov, and so none of ours: add --stock", name),
                 2};
  }
  for (const auto& [option, line] : lines) {
    if (line.starts_with(kPlugins))
      configuration.plugins += line.substr(kPlugins.size()) + "\n";
    else
      configuration.fragment += line + "\n";
  }
  return configuration;
}

}  // namespace kcov::lab
