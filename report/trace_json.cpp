// SPDX-License-Identifier: GPL-2.0-only OR MIT
// `kcovtool trace --json`.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "report/arguments.hpp"
#include "report/location_json.hpp"
#include "report/trace_report.hpp"

namespace kcov::report {
namespace {

// In the order of the documentation, not of the alphabet.
using Json = nlohmann::ordered_json;

Json location_of(const symbol::Location& location) {
  Json json = {{"pc", fmt::format("{:#x}", location.pc)}};
  add_names(location, json);
  return json;
}

Json call_of(const coverage::Call& call, const std::string& name) {
  Json json = {{"number", call.number}, {"text", text_of_call(call, name)}};
  json["arguments"] = call.has_arguments ? Json(call.arguments) : Json(nullptr);
  Json texts = Json::array();
  for (const coverage::Call::Text& text : call.texts) {
    texts.push_back(
        {{"argument", text.argument}, {"text", text.bytes}, {"cut_off", text.is_cut_off}});
  }
  json["texts"] = std::move(texts);
  json["result"] = call.result ? Json(*call.result) : Json(nullptr);
  return json;
}

Json task_of(const Task& task, Paths& paths) {
  Json json = {{"id", task.id}, {"process", task.process}, {"parent", task.parent}};
  if (!task.untraced.empty()) json["untraced"] = task.untraced;
  Json programs = Json::array();
  for (const Task::Program& program : task.programs)
    programs.push_back({{"records", program.records}, {"arguments", program.arguments}});
  json["programs"] = std::move(programs);
  json["records"] = task.records.size();
  json["capacity"] = task.capacity;
  json["dropped"] = task.dropped ? Json(*task.dropped) : Json(nullptr);
  json["was_full"] = task.was_full;
  Json entries = Json::array();
  const std::vector<const coverage::Call*> calls = coverage::calls_of_entries(task);
  for (std::size_t number = 0; number < task.entries.size(); ++number) {
    const coverage::Entry& entry = task.entries[number];
    if (entry.is_hidden) continue;
    std::vector<std::uint32_t> records;
    entry.for_each_record([&](std::uint32_t record) { records.push_back(task.records[record]); });
    entries.push_back({{"kind", coverage::name_of(entry.kind)},
                       {"name", entry.name},
                       {"functions", paths.of(task, entry).functions},
                       {"records", std::move(records)}});
    if (calls[number] != nullptr) entries.back()["call"] = call_of(*calls[number], entry.name);
  }
  json["entries"] = std::move(entries);
  if (task.entries.empty()) json["trace"] = task.records;
  return json;
}

}  // namespace

std::string json_of(const Recording& report) {
  Json json;
  json["command"] = report.command;
  json["status"] = report.status ? Json(*report.status) : Json(nullptr);
  json["kernel"] = {
      {"machine", report.machine}, {"release", report.release}, {"build_id", report.build_id}};
  Json modules = Json::array();
  for (const coverage::Module& module : report.modules) {
    modules.push_back({{"name", module.name},
                       {"start", fmt::format("{:#x}", module.start)},
                       {"size", module.size},
                       {"build_id", module.build_id}});
  }
  json["kernel"]["modules"] = std::move(modules);
  if (!report.unnamed.empty()) json["unnamed"] = report.unnamed;
  Json tasks = Json::array();
  Paths paths(report);
  for (const Task& task : report.tasks) tasks.push_back(task_of(task, paths));
  json["tasks"] = std::move(tasks);
  Json locations = Json::array();
  for (const symbol::Location& location : report.locations)
    locations.push_back(location_of(location));
  json["locations"] = std::move(locations);
  // Arguments and paths may hold any bytes; what is no UTF-8 is replaced.
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace kcov::report
