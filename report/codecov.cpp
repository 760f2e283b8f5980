// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <nlohmann/json.hpp>

#include "report/line_coverage.hpp"

namespace kcov::report {

std::string codecov_of(const LineCoverage& coverage, const std::string& root) {
  using Json = nlohmann::ordered_json;
  Json files = Json::object();
  for (const auto& [name, file] : coverage) {
    Json lines = Json::object();
    for (const auto& [line, hits] : file.lines) lines[std::to_string(line)] = hits;
    const bool is_relative = !root.empty() && !name.starts_with('/');
    files[(is_relative ? root + "/" : std::string()) + std::string(name)] = std::move(lines);
  }
  return Json{{"coverage", std::move(files)}}.dump(-1, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

}  // namespace kcov::report
