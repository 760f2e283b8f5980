// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/html.hpp"

#include <fmt/format.h>

#include <utility>

#include "report/html_data.hpp"
#include "report/html_pages.hpp"

namespace kcov::report::html {

Result<Summary> write_report(const coverage::CoverageSet& set, Kernel kernel,
                             const SourceFinder& source, const std::string& title,
                             ReportDirectory& directory) {
  const Points points = points_of(set, std::move(kernel));
  const Tree tree = tree_of(points, set.hits);
  const Reachers reachers(set);
  const auto write = [&](const std::string& name, const Json& data) {
    return directory.write("data/" + name + ".js", script_of(name, data));
  };
  for (const Page& page : pages())
    if (Status done = directory.write(std::string(page.name), page.text); !done)
      return done.error();
  if (Status done = write("index", index_data(set, points, tree, title)); !done)
    return done.error();
  if (Status done = write("functions", functions_data(tree)); !done) return done.error();
  if (Status done = write("runs", runs_data(set, points)); !done) return done.error();
  for (std::size_t i = 0; i < tree.files.size(); ++i) {
    const File& file = tree.files[i];
    const SourceText text = source.read(file.name, file.lines.back().number);
    if (Status done = write(fmt::format("{}", i), file_data(file, reachers, text)); !done)
      return done.error();
  }
  const Count& placed = tree.directories[0].count;
  return Summary{placed.covered + tree.nowhere.covered,
                 points.are_all ? placed.points + tree.nowhere.points : 0};
}

}  // namespace kcov::report::html
