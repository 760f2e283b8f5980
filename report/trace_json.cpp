// SPDX-License-Identifier: GPL-2.0-only OR MIT
// `kcovtool trace --json`.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "report/trace_report.hpp"

namespace kcov::report {
namespace {

// In the order of the documentation, not of the alphabet.
using Json = nlohmann::ordered_json;

Json record_of(const TraceReport& report, std::size_t record) {
  Json json = {{"pc", fmt::format("{:#x}", report.pcs[record])}};
  const symbol::Location& location = report.locations[record];
  if (!location.symbol.empty()) {
    json["symbol"] = location.symbol;
    json["offset"] = location.symbol_offset;
  }
  Json frames = Json::array();
  for (const symbol::Frame& frame : location.frames) {
    frames.push_back({{"function", frame.function},
                      {"file", frame.file},
                      {"line", frame.line},
                      {"inlined", frame.inlined}});
  }
  json["frames"] = std::move(frames);
  return json;
}

std::string_view kind_of(coverage::EntryKind kind) {
  switch (kind) {
    case coverage::EntryKind::system_call: return "system call";
    case coverage::EntryKind::page_fault: return "page fault";
    case coverage::EntryKind::trap: return "trap";
    case coverage::EntryKind::signal: return "signal";
    case coverage::EntryKind::other: break;
  }
  return "other";
}

}  // namespace

std::string json_of(const TraceReport& report) {
  Json json;
  json["command"] = report.command;
  json["status"] = report.status;
  json["kernel"] = {
      {"machine", report.machine}, {"release", report.release}, {"build_id", report.build_id}};
  json["records"] = report.pcs.size();
  json["capacity"] = report.capacity;
  json["dropped"] = report.dropped ? Json(*report.dropped) : Json(nullptr);
  const std::optional<std::size_t> untraced = report.untraced_tasks();
  json["untraced_tasks"] = untraced ? Json(*untraced) : Json(nullptr);
  if (!report.unnamed.empty()) {
    json["unnamed"] = report.unnamed;
    Json pcs = Json::array();
    for (const std::uint64_t pc : report.pcs) pcs.push_back(fmt::format("{:#x}", pc));
    json["pcs"] = std::move(pcs);
  } else {
    Json entries = Json::array();
    for (const coverage::Entry& entry : report.entries) {
      Json item = {{"kind", kind_of(entry.kind)},
                   {"name", entry.name},
                   {"functions", call_path(report, entry)}};
      Json records = Json::array();
      for (const std::size_t record : entry.records) records.push_back(record_of(report, record));
      item["records"] = std::move(records);
      entries.push_back(std::move(item));
    }
    json["entries"] = std::move(entries);
  }
  // Arguments and paths may hold any bytes; what is no UTF-8 is replaced.
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace kcov::report
