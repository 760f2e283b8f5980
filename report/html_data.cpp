// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/html_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

namespace kcov::report::html {
namespace {

using coverage::CoverageSet;

// Of what is listed of things that should not be there.
constexpr std::size_t kNamedStrays = 100;
// Bytes of a command in lists; there may be ten thousand of them.
constexpr std::size_t kLongestCommand = 300;

// Cut short between two characters, if it is too long.
std::string shortened(std::string text) {
  if (text.size() <= kLongestCommand) return text;
  std::size_t end = kLongestCommand;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text + "…";
}

// [name, covered, points, directories, files]; a file: [name, covered, points, its number].
Json tree_data(const Tree& tree, std::uint32_t number) {
  const Directory& directory = tree.directories[number];
  Json directories = Json::array();
  for (const std::uint32_t inner : directory.directories)
    directories.push_back(tree_data(tree, inner));
  Json files = Json::array();
  for (const std::uint32_t file : directory.files) {
    const Count& count = tree.files[file].count;
    files.push_back({last_part(tree.files[file].name), count.covered, count.points, file});
  }
  return {directory.name, directory.count.covered, directory.count.points, std::move(directories),
          std::move(files)};
}

Json count_data(const Count& count) { return {count.covered, count.points}; }

Json strays_data(const CoverageSet& set, const Points& points) {
  Json named = Json::array();
  for (std::size_t i = 0; i < std::min(points.strays.size(), kNamedStrays); ++i) {
    const std::uint32_t number = points.strays[i];
    const symbol::Location& location = set.locations[number];
    named.push_back({fmt::format("{:#x}", location.pc),
                     location.symbol.empty()
                         ? std::string()
                         : fmt::format("{}+{:#x}", location.symbol, location.symbol_offset),
                     set.hits[number]});
  }
  return {{"count", points.strays.size()}, {"pcs", std::move(named)}};
}

// Numbers from `first` to `last` as first, last; ascending.
Json ranges_data(const std::vector<std::uint32_t>& members) {
  Json ranges = Json::array();
  for (std::size_t begin = 0, end; begin < members.size(); begin = end) {
    end = begin + 1;
    while (end < members.size() && members[end] == members[end - 1] + 1) ++end;
    ranges.push_back(members[begin]);
    ranges.push_back(members[end - 1]);
  }
  return ranges;
}

// The different sets of one file, numbered from 0 on.
class SetTable {
 public:
  explicit SetTable(const ReachedBy& reached) : reached_(reached) {}

  std::size_t number_of(std::span<const std::uint32_t> pcs) {
    std::vector<ReachedBy::Set> sets;
    for (const std::uint32_t pc : pcs) sets.push_back(reached_.of(pc));
    std::sort(sets.begin(), sets.end());
    sets.erase(std::unique(sets.begin(), sets.end()), sets.end());
    if (const auto at = by_sets_.find(sets); at != by_sets_.end()) return at->second;
    std::vector<std::uint32_t> members = reached_.members(sets);
    const auto [at, is_new] = by_members_.try_emplace(std::move(members), by_members_.size());
    if (is_new) data_.push_back(ranges_data(at->first));
    return by_sets_[std::move(sets)] = at->second;
  }
  Json take() { return std::move(data_); }

 private:
  const ReachedBy& reached_;
  std::map<std::vector<ReachedBy::Set>, std::size_t> by_sets_;
  std::map<std::vector<std::uint32_t>, std::size_t> by_members_;
  Json data_ = Json::array();
};

}  // namespace

Reachers::Reachers(const CoverageSet& set)
    : calls(set.locations.size()), tasks(set.locations.size()) {
  for (std::uint32_t i = 0; i < set.calls.size(); ++i) calls.add(i, set.calls[i].pcs);
  std::uint32_t number = 0;
  for (const CoverageSet::Run& run : set.runs)
    for (const CoverageSet::Task& task : run.tasks) tasks.add(number++, task.pcs);
}

Json index_data(const CoverageSet& set, const Points& points, const Tree& tree,
                const std::string& title) {
  Count functions, lines, files;
  std::uint32_t partly = 0;
  for (const File& file : tree.files) {
    ++files.points;
    if (file.count.covered != 0) ++files.covered;
    for (const Function& function : file.functions) {
      ++functions.points;
      if (function.count.covered != 0) ++functions.covered;
    }
    for (const Line& line : file.lines) {
      ++lines.points;
      if (line.count.covered != 0) ++lines.covered;
      if (line.count.is_partly()) ++partly;
    }
  }
  const Count& placed = tree.directories[0].count;
  std::size_t tasks = 0, cut_off = 0, broken_off = 0;
  std::string commands;
  for (const CoverageSet::Run& run : set.runs) {
    tasks += run.tasks.size();
    if (run.is_cut_off) ++cut_off;
    if (!run.status) ++broken_off;
  }
  if (set.runs.size() == 1) commands = fmt::format("{}", fmt::join(set.runs[0].command, " "));
  return {{"title", shortened(!title.empty()      ? title
                              : !commands.empty() ? commands
                                                  : fmt::format("{} recordings", set.runs.size()))},
          {"machine", set.machine},
          {"release", set.release},
          {"buildId", set.build_id},
          {"unnamed", set.unnamed},
          {"pointsKnown", points.are_all},
          {"points", {placed.covered + tree.nowhere.covered, placed.points + tree.nowhere.points}},
          {"nowhere", count_data(tree.nowhere)},
          {"functions", count_data(functions)},
          {"lines", {lines.covered, lines.points, partly}},
          {"files", count_data(files)},
          {"runs", set.runs.size()},
          {"tasks", tasks},
          {"cutOff", cut_off},
          {"brokenOff", broken_off},
          {"tails", points.tails.size()},
          {"strays", strays_data(set, points)},
          {"tree", tree_data(tree, 0)}};
}

Json functions_data(const Tree& tree) {
  // A column each: names, and numbers of which four are a function's.
  Json names = Json::array(), numbers = Json::array();
  for (std::uint32_t i = 0; i < tree.files.size(); ++i) {
    for (const Function& function : tree.files[i].functions) {
      names.push_back(function.name);
      for (const auto number : {i, static_cast<std::uint32_t>(function.line),
                                function.count.covered, function.count.points})
        numbers.push_back(number);
    }
  }
  return {{"names", std::move(names)}, {"numbers", std::move(numbers)}};
}

Json runs_data(const CoverageSet& set, const Points& points) {
  const CoverageSet::Pcs uncounted = points.uncounted();
  std::vector<CoverageSet::Pcs> of_runs;
  CoverageSet::Pcs once, twice;  // reached by one run at least, by two
  for (const CoverageSet::Run& run : set.runs) {
    const CoverageSet::Pcs& pcs = of_runs.emplace_back(run.pcs() - uncounted);
    twice |= once & pcs;
    once |= pcs;
  }
  Json runs = Json::array();
  for (std::size_t i = 0; i < set.runs.size(); ++i) {
    const CoverageSet::Run& run = set.runs[i];
    Json tasks = Json::array();
    for (const CoverageSet::Task& task : run.tasks)
      tasks.push_back(
          {task.id, task.process, shortened(task.program), (task.pcs - uncounted).cardinality()});
    runs.push_back({{"name", run.name},
                    {"command", shortened(fmt::format("{}", fmt::join(run.command, " ")))},
                    {"status", run.status ? Json(*run.status) : Json(nullptr)},
                    {"cutOff", run.is_cut_off},
                    {"covered", of_runs[i].cardinality()},
                    {"alone", (of_runs[i] - twice).cardinality()},
                    {"tasks", std::move(tasks)}});
  }
  Json calls = Json::array();
  for (const CoverageSet::Call& call : set.calls)
    calls.push_back(
        {call.name, coverage::name_of(call.kind), (call.pcs - uncounted).cardinality()});
  return {{"runs", std::move(runs)}, {"calls", std::move(calls)}};
}

Json file_data(const File& file, const Reachers& reachers, const SourceText& source) {
  SetTable calls(reachers.calls), tasks(reachers.tasks);
  Json lines = Json::array();
  for (const Line& line : file.lines) {
    const std::span<const std::uint32_t> reached = file.reached_on(line);
    lines.push_back(line.number);
    lines.push_back(line.count.covered);
    lines.push_back(line.count.points);
    lines.push_back(line.hits);
    lines.push_back(reached.empty() ? 0 : calls.number_of(reached));
    lines.push_back(reached.empty() ? 0 : tasks.number_of(reached));
  }
  Json functions = Json::array();
  for (const Function& function : file.functions)
    functions.push_back({function.name, function.line, function.count.covered,
                         function.count.points, function.hits});
  return {{"name", file.name},
          {"source", source.text ? Json(*source.text) : Json(nullptr)},
          {"trouble", source.trouble},
          {"lines", std::move(lines)},
          {"calls", calls.take()},
          {"tasks", tasks.take()},
          {"functions", std::move(functions)}};
}

}  // namespace kcov::report::html
