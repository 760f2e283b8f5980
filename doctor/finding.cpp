// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "doctor/finding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "support/text.hpp"

namespace kcov::doctor {
namespace {

std::size_t count_problems(const Section& section) {
  return static_cast<std::size_t>(
      std::count_if(section.findings.begin(), section.findings.end(),
                    [](const Finding& one) { return one.verdict == Verdict::problem; }));
}

// Columns of the verdict, and of the longest name of a check.
constexpr std::size_t kVerdictColumns = 10;
std::size_t check_columns(const Examination& examination) {
  std::size_t columns = 0;
  for (const Section& section : examination.sections)
    for (const Finding& one : section.findings) columns = std::max(columns, one.check.size());
  return columns + 2;
}

}  // namespace

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok: return "ok";
    case Verdict::problem: return "problem";
    case Verdict::not_known: break;
  }
  return "not known";
}

void Section::ok(std::string check, std::string seen, std::string remedy) {
  findings.push_back({std::move(check), Verdict::ok, std::move(seen), std::move(remedy)});
}

void Section::problem(std::string check, std::string seen, std::string remedy) {
  findings.push_back({std::move(check), Verdict::problem, std::move(seen), std::move(remedy)});
}

void Section::not_known(std::string check, std::string seen, std::string remedy) {
  findings.push_back({std::move(check), Verdict::not_known, std::move(seen), std::move(remedy)});
}

bool Section::has_problem() const { return count_problems(*this) != 0; }

bool Examination::is_well() const {
  return std::none_of(sections.begin(), sections.end(), [](const Section& section) {
    return section.decides && section.has_problem();
  });
}

std::string text_of(const Examination& examination) {
  const std::size_t columns = check_columns(examination);
  std::string text;
  const auto out = std::back_inserter(text);
  std::size_t deciding = 0;
  std::size_t others = 0;
  for (const Section& section : examination.sections) {
    fmt::format_to(out, "{}{}\n", text.empty() ? "" : "\n", escaped(section.title));
    for (const Finding& one : section.findings) {
      fmt::format_to(out, "  {:{}}{:{}}{}\n", name_of(one.verdict), kVerdictColumns, one.check,
                     columns, escaped(one.seen));
      if (one.remedy.empty()) continue;
      fmt::format_to(out, "  {:{}}{}: {}\n", "", kVerdictColumns + columns,
                     one.verdict == Verdict::ok ? "note" : "remedy", escaped(one.remedy));
    }
    (section.decides ? deciding : others) += count_problems(section);
  }
  fmt::format_to(
      out, "\n{}{}\n", deciding == 0 ? "nothing wrong was found" : numbered(deciding, "problem"),
      others == 0
          ? ""
          : fmt::format("; {} elsewhere, in what was not asked for", numbered(others, "problem")));
  return text;
}

std::string json_of(const Examination& examination) {
  nlohmann::ordered_json sections = nlohmann::ordered_json::array();
  for (const Section& section : examination.sections) {
    nlohmann::ordered_json findings = nlohmann::ordered_json::array();
    for (const Finding& one : section.findings) {
      nlohmann::ordered_json object = {
          {"check", one.check}, {"verdict", name_of(one.verdict)}, {"seen", one.seen}};
      if (!one.remedy.empty()) object["remedy"] = one.remedy;
      findings.push_back(std::move(object));
    }
    sections.push_back(
        {{"title", section.title}, {"decides", section.decides}, {"findings", findings}});
  }
  const nlohmann::ordered_json all = {{"well", examination.is_well()}, {"sections", sections}};
  return all.dump(2, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace kcov::doctor
