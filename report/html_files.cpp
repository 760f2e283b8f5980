// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/html_files.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace kcov::report::html {
namespace {

// A frame of a point.
struct Place {
  std::uint32_t file = 0;
  int line = 0;
  std::uint32_t point = 0;
  std::uint32_t function = 0;
};

struct Name {
  std::string_view file;
  std::string_view function;
  bool operator==(const Name&) const = default;
};
struct HashName {
  std::size_t operator()(const Name& name) const {
    const std::hash<std::string_view> hash;
    return hash(name.file) * 31 + hash(name.function);
  }
};

// Numbers what it is given, in order of first appearance.
template <class Key, class Hash = std::hash<Key>>
class Numbers {
 public:
  std::uint32_t of(const Key& key) {
    const auto [at, is_new] = numbers_.try_emplace(key, static_cast<std::uint32_t>(keys_.size()));
    if (is_new) keys_.push_back(key);
    return at->second;
  }
  const std::vector<Key>& keys() const { return keys_; }

 private:
  std::unordered_map<Key, std::uint32_t, Hash> numbers_;
  std::vector<Key> keys_;
};

class Builder {
 public:
  Builder(const Points& points, std::span<const std::uint64_t> hits)
      : points_(points), hits_(hits) {}

  Tree build() {
    collect();
    renumber_files();
    sum_lines();
    sum_functions();
    sum_directories();
    return std::move(tree_);
  }

 private:
  bool is_reached(std::uint32_t point) const { return points_.reached_as[point] != Points::kNever; }
  std::uint64_t hits(std::uint32_t point) const {
    return is_reached(point) ? hits_[points_.reached_as[point]] : 0;
  }
  void count(Count& sum, std::uint32_t point) const {
    ++sum.points;
    if (is_reached(point)) ++sum.covered;
  }

  void collect() {
    for (std::uint32_t point = 0; point < points_.locations.size(); ++point) {
      bool is_somewhere = false;
      for (const symbol::Frame& frame : points_.locations[point].frames) {
        if (frame.file.empty() || frame.line <= 0) continue;
        is_somewhere = true;
        places_.push_back({names_of_files_.of(frame.file), frame.line, point,
                           functions_.of({frame.function_file(), frame.function})});
      }
      if (!is_somewhere) count(tree_.nowhere, point);
    }
  }

  // By name, from now on.
  void renumber_files() {
    const std::vector<std::string_view>& names = names_of_files_.keys();
    for (const std::string_view name : names) tree_.files.push_back({.name = name});
    std::sort(tree_.files.begin(), tree_.files.end(),
              [](const File& a, const File& b) { return a.name < b.name; });
    numbers_of_files_.resize(names.size());
    for (std::uint32_t i = 0; i < tree_.files.size(); ++i)
      numbers_of_files_[names_of_files_.of(tree_.files[i].name)] = i;
    for (Place& place : places_) place.file = numbers_of_files_[place.file];
    std::sort(places_.begin(), places_.end(), [](const Place& a, const Place& b) {
      return std::tie(a.file, a.line, a.point) < std::tie(b.file, b.line, b.point);
    });
  }

  void sum_lines() {
    const Place* last = nullptr;
    for (const Place& place : places_) {
      File& file = tree_.files[place.file];
      const bool is_new = last == nullptr || last->file != place.file || last->line != place.line;
      // A line that calls itself was executed once for it.
      if (!is_new && last->point == place.point) continue;
      if (is_new) {
        file.lines.push_back({.number = place.line,
                              .first_reached = static_cast<std::uint32_t>(file.reached.size())});
      }
      Line& line = file.lines.back();
      count(line.count, place.point);
      line.hits += hits(place.point);
      if (is_reached(place.point)) file.reached.push_back(points_.reached_as[place.point]);
      last = &place;
    }
  }

  void sum_functions() {
    std::sort(places_.begin(), places_.end(), [](const Place& a, const Place& b) {
      return std::tie(a.function, a.point) < std::tie(b.function, b.point);
    });
    const Place* last = nullptr;
    std::uint32_t own_file = 0;
    for (const Place& place : places_) {
      if (last == nullptr || last->function != place.function) {
        own_file = file_of(place);
        tree_.files[own_file].functions.push_back(
            {.name = functions_.keys()[place.function].function, .line = 0});
        last = nullptr;
      }
      Function& function = tree_.files[own_file].functions.back();
      const bool is_line = place.file == own_file;
      if (is_line && (function.line == 0 || place.line < function.line)) function.line = place.line;
      function.hits = std::max(function.hits, hits(place.point));
      if (last == nullptr || last->point != place.point) count(function.count, place.point);
      last = &place;
    }
    for (File& file : tree_.files) {
      std::sort(file.functions.begin(), file.functions.end(),
                [](const Function& a, const Function& b) {
                  return std::tie(a.line, a.name) < std::tie(b.line, b.name);
                });
    }
  }

  // That of its function; its own where that one has no lines.
  std::uint32_t file_of(const Place& place) {
    const std::uint32_t number = names_of_files_.of(functions_.keys()[place.function].file);
    return number < numbers_of_files_.size() ? numbers_of_files_[number] : place.file;
  }

  // Makes the directories of a file, and returns the innermost.
  std::uint32_t directory_of(std::string_view name) {
    std::uint32_t inside = 0;
    const std::string_view parts = name.substr(0, name.size() - last_part(name).size());
    for (std::size_t begin = 0; begin < parts.size();) {
      const std::size_t end = parts.find('/', begin);
      const std::string_view part = parts.substr(begin, end - begin);
      const auto [at, is_new] =
          made_.try_emplace({inside, part}, static_cast<std::uint32_t>(tree_.directories.size()));
      if (is_new) {
        tree_.directories[inside].directories.push_back(at->second);
        tree_.directories.push_back({.name = part});
        parents_.push_back(inside);
      }
      inside = at->second;
      begin = end + 1;
    }
    return inside;
  }

  void sum_directories() {
    tree_.directories.emplace_back();
    parents_.push_back(0);
    std::vector<std::uint32_t> inside;
    // Files are by name, and so directories and files of each directory are.
    for (std::uint32_t i = 0; i < tree_.files.size(); ++i) {
      inside.push_back(directory_of(tree_.files[i].name));
      tree_.directories[inside.back()].files.push_back(i);
    }
    std::sort(places_.begin(), places_.end(),
              [](const Place& a, const Place& b) { return a.point < b.point; });
    // The last point that was counted for each.
    std::vector<std::uint32_t> files(tree_.files.size(), Points::kNever);
    std::vector<std::uint32_t> directories(tree_.directories.size(), Points::kNever);
    for (const Place& place : places_) {
      if (std::exchange(files[place.file], place.point) == place.point) continue;
      count(tree_.files[place.file].count, place.point);
      for (std::uint32_t at = inside[place.file];; at = parents_[at]) {
        // What it is in was counted with it.
        if (std::exchange(directories[at], place.point) == place.point) break;
        count(tree_.directories[at].count, place.point);
        if (at == 0) break;
      }
    }
  }

  const Points& points_;
  std::span<const std::uint64_t> hits_;
  Numbers<std::string_view> names_of_files_;
  std::vector<std::uint32_t> numbers_of_files_;  // in the tree, by those of the names
  Numbers<Name, HashName> functions_;
  std::vector<Place> places_;
  std::map<std::pair<std::uint32_t, std::string_view>, std::uint32_t> made_;
  std::vector<std::uint32_t> parents_;  // of directories
  Tree tree_;
};

}  // namespace

std::string_view last_part(std::string_view name) {
  std::size_t begin = 0;
  for (std::size_t depth = 0; depth < kDeepest; ++depth) {
    const std::size_t slash = name.find('/', begin);
    if (slash == std::string_view::npos) break;
    begin = slash + 1;
  }
  return name.substr(begin);
}

Tree tree_of(const Points& points, std::span<const std::uint64_t> hits) {
  return Builder(points, hits).build();
}

}  // namespace kcov::report::html
