// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/html_script.hpp"

namespace kcov::report::html {

std::string script_of(std::string_view name, const Json& value) {
  const auto json = [](const Json& any) {
    return any.dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  const std::string text = "kcovData(" + json(name) + "," + json(value) + ");\n";
  // Of what follows nothing is in JSON but inside of its strings.
  constexpr std::string_view kSeparators = "\xe2\x80";  // U+2028 and U+2029 begin so
  std::string script;
  script.reserve(text.size() + text.size() / 16);
  std::size_t done = 0;
  for (std::size_t at = 0; (at = text.find_first_of("<>&\xe2\x7f", at)) != std::string::npos;) {
    std::string_view escape;
    std::size_t length = 1;
    switch (text[at]) {
      case '<': escape = "\\u003c"; break;
      case '>': escape = "\\u003e"; break;
      case '&': escape = "\\u0026"; break;
      case '\x7f': escape = "\\u007f"; break;
      default:
        if (text.compare(at, kSeparators.size(), kSeparators) == 0) {
          length = 3;
          if (text[at + 2] == '\xa8') escape = "\\u2028";
          if (text[at + 2] == '\xa9') escape = "\\u2029";
        }
    }
    if (!escape.empty()) {
      script.append(text, done, at - done).append(escape);
      done = at + length;
    }
    at += length;
  }
  return script.append(text, done);
}

}  // namespace kcov::report::html
