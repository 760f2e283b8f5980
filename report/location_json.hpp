// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What is known of a PC, in the JSON of traces and of exports.
#pragma once

#include <nlohmann/json.hpp>
#include <utility>

#include "symbol/location.hpp"

namespace kcov::report {

// Adds symbol and offset, where there is a symbol, and frames, innermost first.
inline void add_names(const symbol::Location& location, nlohmann::ordered_json& json) {
  if (!location.symbol.empty()) {
    json["symbol"] = location.symbol;
    json["offset"] = location.symbol_offset;
  }
  nlohmann::ordered_json frames = nlohmann::ordered_json::array();
  for (const symbol::Frame& frame : location.frames) {
    frames.push_back({{"function", frame.function},
                      {"file", frame.file},
                      {"line", frame.line},
                      {"inlined", frame.inlined}});
  }
  json["frames"] = std::move(frames);
}

}  // namespace kcov::report
