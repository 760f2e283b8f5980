// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/line_coverage.hpp"

namespace kcov::report {
namespace {

// XML has no way to say a control character, and is UTF-8.
std::string escaped(std::string_view text) {
  // Whatever is none becomes U+FFFD: the JSON library does that well.
  const std::string json =
      nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const std::string valid = nlohmann::json::parse(json).get<std::string>();
  std::string result;
  for (const char c : valid) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default: result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    }
  }
  return result;
}

std::string rates(const LineTotals& totals) {
  const double rate =
      totals.lines == 0 ? 0
                        : static_cast<double>(totals.lines_hit) / static_cast<double>(totals.lines);
  return fmt::format("line-rate=\"{:.6f}\" branch-rate=\"0\" complexity=\"0\"", rate);
}

std::string_view directory_of(std::string_view file) {
  const std::size_t slash = file.rfind('/');
  return slash == std::string_view::npos ? "." : file.substr(0, slash);
}

// Of its functions the line that is known, which most consumers want no more of.
std::string class_of(std::string_view name, const FileCoverage& file) {
  std::string text = fmt::format("<class name=\"{0}\" filename=\"{0}\" {1}>\n<methods>\n",
                                 escaped(name), rates(totals_of({{name, file}})));
  for (const auto& [function, about] : file.functions) {
    text += fmt::format(
        "<method name=\"{}\" signature=\"\" line-rate=\"{}\" branch-rate=\"0\" "
        "complexity=\"0\"><lines><line number=\"{}\" hits=\"{}\" branch=\"false\"/></lines>"
        "</method>\n",
        escaped(function), about.hits != 0 ? 1 : 0, std::max(about.line, 1), about.hits);
  }
  text += "</methods>\n<lines>\n";
  for (const auto& [line, hits] : file.lines)
    text += fmt::format("<line number=\"{}\" hits=\"{}\" branch=\"false\"/>\n", line, hits);
  return text + "</lines>\n</class>\n";
}

}  // namespace

std::string cobertura_of(const LineCoverage& files, const std::string& root) {
  const LineTotals all = totals_of(files);
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<!DOCTYPE coverage SYSTEM \"http://cobertura.sourceforge.net/xml/coverage-04.dtd\">\n"
      "<coverage {} lines-covered=\"{}\" lines-valid=\"{}\" branches-covered=\"0\" "
      "branches-valid=\"0\" version=\"1\" timestamp=\"0\">\n"
      "<sources><source>{}</source></sources>\n<packages>\n",
      rates(all), all.lines_hit, all.lines, escaped(root.empty() ? "." : root));
  std::map<std::string_view, LineCoverage> directories;
  for (const auto& [name, file] : files) directories[directory_of(name)].emplace(name, file);
  for (const auto& [directory, inside] : directories) {
    text += fmt::format("<package name=\"{}\" {}>\n<classes>\n", escaped(directory),
                        rates(totals_of(inside)));
    for (const auto& [name, file] : inside) text += class_of(name, file);
    text += "</classes>\n</package>\n";
  }
  return text + "</packages>\n</coverage>\n";
}

}  // namespace kcov::report
