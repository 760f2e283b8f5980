// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "report/location_json.hpp"
#include "report/pc_formats.hpp"

namespace kcov::report {

std::string jsonl_of(const coverage::CoverageSet& set) {
  using Json = nlohmann::ordered_json;
  std::vector<std::vector<std::uint32_t>> calls(set.locations.size());
  for (std::uint32_t call = 0; call < set.calls.size(); ++call)
    for (const std::uint32_t pc : set.calls[call].pcs) calls[pc].push_back(call);
  std::vector<std::size_t> runs(set.locations.size());
  for (const coverage::CoverageSet::Run& run : set.runs)
    for (const std::uint32_t pc : run.pcs()) ++runs[pc];
  std::string text;
  for (std::size_t i = 0; i < set.locations.size(); ++i) {
    const symbol::Location& location = set.locations[i];
    Json line = {{"pc", fmt::format("{:#x}", location.pc)}, {"hits", set.hits[i]}};
    add_names(location, line);
    Json names = Json::array();
    for (const std::uint32_t call : calls[i]) names.push_back(set.calls[call].name);
    line["calls"] = std::move(names);
    line["runs"] = runs[i];
    text += line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return text;
}

}  // namespace kcov::report
