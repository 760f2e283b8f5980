// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Data as a script, since a page that was opened from a file may load nothing else.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace kcov::report::html {

using Json = nlohmann::ordered_json;

// kcovData("name",{...}); Nothing in a text ends the script, its line or its element, whoever
// parses it as what. Bytes that are no UTF-8 become U+FFFD.
std::string script_of(std::string_view name, const Json& value);

}  // namespace kcov::report::html
