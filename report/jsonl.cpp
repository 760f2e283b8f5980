// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "report/line_coverage.hpp"

namespace kcov::report {

std::string jsonl_of(const coverage::Recording& recording) {
  using Json = nlohmann::ordered_json;
  std::vector<std::uint64_t> hits(recording.locations.size());
  std::vector<std::map<std::string_view, std::uint64_t>> calls(recording.locations.size());
  for (const coverage::Task& task : recording.tasks) {
    task.for_each_own_record([&](std::uint32_t location) { ++hits[location]; });
    for (const coverage::Entry& entry : task.entries) {
      if (entry.kind == coverage::EntryKind::tracer) continue;
      entry.for_each_record(
          [&](std::uint32_t record) { ++calls[task.records[record]][entry.name]; });
    }
  }
  std::string text;
  for (std::size_t i = 0; i < hits.size(); ++i) {
    if (hits[i] == 0) continue;
    const symbol::Location& location = recording.locations[i];
    Json line = {{"pc", fmt::format("{:#x}", location.pc)}, {"hits", hits[i]}};
    if (!location.symbol.empty()) {
      line["symbol"] = location.symbol;
      line["offset"] = location.symbol_offset;
    }
    Json frames = Json::array();
    for (const symbol::Frame& frame : location.frames) {
      frames.push_back({{"function", frame.function},
                        {"file", frame.file},
                        {"line", frame.line},
                        {"inlined", frame.inlined}});
    }
    line["frames"] = std::move(frames);
    line["calls"] = calls[i];
    text += line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return text;
}

}  // namespace kcov::report
