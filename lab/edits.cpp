// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lab/edits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>

#include "support/files.hpp"

namespace fs = std::filesystem;

namespace kcov::lab {
namespace {

bool is_in_scope(const std::string& scope, Variant variant) {
  return scope == "boot" || scope == name_of(variant);
}

Error misfit(const Edit& edit, const std::string& expectation) {
  return Error{fmt::format("the edit \"{}\" does not fit {}: {}; nothing was changed", edit.name,
                           edit.file, expectation)};
}

Result<std::string> replace_block(const Edit& edit, const std::string& text) {
  const std::regex start(edit.within);
  std::smatch found;
  if (!std::regex_search(text, found, start)) {
    return misfit(edit, fmt::format("expected \"{}\", which is not there", edit.within));
  }
  if (std::regex_search(found[0].second, text.cend(), start)) {
    return misfit(edit, fmt::format("expected \"{}\" exactly once, found more", edit.within));
  }
  const std::string opening = "\n#ifdef " + edit.replace_block + "\n";
  const auto from = static_cast<std::size_t>(found.position(0));
  const std::size_t begin = text.find(opening, from);
  // The region ends where a closing brace stands at the start of a line.
  const std::size_t region_end = text.find("\n}", from);
  const std::size_t end = begin == std::string::npos ? begin : text.find("\n#endif", begin + 1);
  if (begin == std::string::npos || end == std::string::npos || end > region_end) {
    return misfit(edit, fmt::format("expected one block \"#ifdef {}\" within \"{}\", found none",
                                    edit.replace_block, edit.within));
  }
  if (const std::size_t second = text.find(opening, end);
      second != std::string::npos && second < region_end) {
    return misfit(edit, fmt::format("expected one block \"#ifdef {}\" within \"{}\", found more",
                                    edit.replace_block, edit.within));
  }
  const std::size_t body = begin + opening.size();
  // Empty lines in the place of what goes: the lines that follow keep their numbers, and
  // so do the names that people know the source by.
  const auto lines = [](std::string_view part) {
    return std::count(part.begin(), part.end(), '\n');
  };
  const auto gone = lines(std::string_view(text).substr(body, end - body)) - lines(edit.with);
  return text.substr(0, body) + edit.with +
         std::string(static_cast<std::size_t>(std::max<std::ptrdiff_t>(gone, 0)), '\n') +
         text.substr(end);
}

}  // namespace

std::string_view name_of(Variant variant) { return variant == Variant::ours ? "ours" : "stock"; }

Result<Series> load_series(const fs::path& data, const std::string& name) {
  const fs::path path = data / "port/linux/edits" / (name + ".json");
  const Result<std::string> text = read_file(path);
  if (!text) return text.error();
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  if (json.is_discarded()) return Error{path.string() + " is not valid JSON"};
  const auto field = [](const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
  };
  Series series{name, {}, {}};
  if (const std::string like = field(json, "like"); !like.empty()) {
    Result<Series> other = load_series(data, like);
    if (!other) return other.error();
    series.edits = std::move(other->edits);
    series.files = std::move(other->files);
  }
  for (const auto& item : json.value("edits", nlohmann::json::array())) {
    // Of two edits of one name the series' own stands.
    std::erase_if(series.edits, [&](const Edit& edit) { return edit.name == field(item, "name"); });
    series.edits.push_back({.name = field(item, "name"),
                            .scope = field(item, "for"),
                            .machine = field(item, "machine"),
                            .why = field(item, "why"),
                            .file = field(item, "file"),
                            .replace = field(item, "replace"),
                            .replace_block = field(item, "replace_block"),
                            .append = field(item, "append"),
                            .within = field(item, "within"),
                            .absent = field(item, "absent"),
                            .with = field(item, "with")});
  }
  for (const auto& item : json.value("files", nlohmann::json::array())) {
    series.files.push_back({field(item, "for"), field(item, "from"), field(item, "to")});
  }
  return series;
}

Result<std::string> apply_edit(const Edit& edit, const std::string& text) {
  if (!edit.append.empty()) {
    if (text.find(edit.absent) != std::string::npos) {
      return misfit(edit, fmt::format("expected no \"{}\" in it, but there is one", edit.absent));
    }
    return text + "\n" + edit.append + "\n";
  }
  if (!edit.replace_block.empty()) return replace_block(edit, text);
  const std::regex anchor(edit.replace);
  const auto matches =
      std::distance(std::sregex_iterator(text.begin(), text.end(), anchor), std::sregex_iterator());
  if (matches != 1) {
    return misfit(edit, fmt::format("expected \"{}\" exactly once, found it {} times", edit.replace,
                                    matches));
  }
  return std::regex_replace(text, anchor, edit.with);
}

bool applies(const Edit& edit, Variant variant, const std::string& machine) {
  return is_in_scope(edit.scope, variant) && (edit.machine.empty() || edit.machine == machine);
}

bool applies(const FileCopy& copy, Variant variant) { return is_in_scope(copy.scope, variant); }

Status apply_series(const Series& series, Variant variant, const std::string& machine,
                    const fs::path& data, const fs::path& tree) {
  std::map<fs::path, std::string> changed;
  for (const Edit& edit : series.edits) {
    if (!applies(edit, variant, machine)) continue;
    const fs::path path = tree / edit.file;
    if (!changed.contains(path)) {
      Result<std::string> text = read_file(path);
      if (!text) return misfit(edit, "expected the file, and " + text.error().message);
      changed[path] = std::move(*text);
    }
    Result<std::string> text = apply_edit(edit, changed[path]);
    if (!text) return text.error();
    changed[path] = std::move(*text);
  }
  for (const auto& [path, text] : changed) {
    if (Status written = write_file(path, text); !written) return written;
  }
  for (const FileCopy& copy : series.files) {
    if (!applies(copy, variant)) continue;
    std::error_code error;
    const fs::path target = tree / copy.to;
    fs::create_directories(target.parent_path(), error);
    fs::copy(data / copy.from, target,
             fs::copy_options::recursive | fs::copy_options::overwrite_existing, error);
    if (error) {
      return Error{fmt::format("cannot copy {} to {}: {}", (data / copy.from).string(),
                               target.string(), error.message())};
    }
  }
  return {};
}

}  // namespace kcov::lab
