// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "report/printable.hpp"

namespace kcov::report {
namespace {

using coverage::Entry;
using coverage::EntryKind;
using coverage::Recording;
using coverage::Task;

constexpr std::size_t kNameColumns = 18;

// How often each location was recorded, and by entries of which names.
struct Reached {
  explicit Reached(const Recording& recording) : records(recording.locations.size()) {
    for (const Task& task : recording.tasks) {
      for (const Entry& entry : task.entries) {
        if (!entry.is_shown()) continue;
        std::vector<bool>& locations = by[entry.name];
        locations.resize(recording.locations.size());
        entry.for_each_record([&](std::uint32_t record) {
          ++records[task.records[record]];
          locations[task.records[record]] = true;
        });
      }
    }
  }

  std::vector<std::size_t> records;
  std::map<std::string_view, std::vector<bool>> by;
};

}  // namespace

std::vector<CallSum> sum_calls(const Recording& recording) {
  struct Gathered {
    CallSum sum;
    std::vector<bool> seen;
    std::set<std::string_view> functions;
    std::set<std::string_view> files;
  };
  std::map<std::string_view, Gathered> calls;
  for (const Task& task : recording.tasks) {
    for (const Entry& entry : task.entries) {
      if (!entry.is_shown()) continue;
      Gathered& call = calls[entry.name];
      call.seen.resize(recording.locations.size());
      call.sum.name = entry.name;
      call.sum.kind = entry.kind;
      ++call.sum.entries;
      entry.for_each_record([&](std::uint32_t record) {
        ++call.sum.records;
        const std::uint32_t number = task.records[record];
        if (call.seen[number]) return;
        call.seen[number] = true;
        ++call.sum.pcs;
        for (const symbol::Frame& frame : recording.locations[number].frames) {
          call.functions.insert(frame.function);
          if (!frame.file.empty()) call.files.insert(frame.file);
        }
      });
    }
  }
  std::vector<CallSum> sums;
  for (auto& [name, call] : calls) {
    call.sum.functions = call.functions.size();
    call.sum.files = call.files.size();
    sums.push_back(std::move(call.sum));
  }
  std::stable_sort(sums.begin(), sums.end(),
                   [](const CallSum& a, const CallSum& b) { return a.pcs > b.pcs; });
  return sums;
}

std::vector<FunctionSum> sum_functions(const Recording& recording) {
  const Reached reached(recording);
  std::map<std::pair<std::string_view, std::string_view>, FunctionSum> functions;
  for (std::size_t i = 0; i < recording.locations.size(); ++i) {
    if (reached.records[i] == 0) continue;
    const symbol::Location& location = recording.locations[i];
    // One that is inlined into itself is one.
    std::set<FunctionSum*> counted;
    for (const symbol::Frame& frame : location.frames) {
      FunctionSum& sum = functions[{frame.function_file(), frame.function}];
      sum.name = frame.function;
      sum.file = frame.function_file();
      const bool is_line = frame.line != 0 && frame.file == sum.file;
      if (is_line && (sum.first_line == 0 || frame.line < sum.first_line))
        sum.first_line = frame.line;
      if (!counted.insert(&sum).second) continue;
      ++sum.pcs;
      sum.records += reached.records[i];
      for (const auto& [call, locations] : reached.by)
        if (locations[i]) sum.calls.insert(call);
    }
  }
  std::vector<FunctionSum> sums;
  for (auto& [key, sum] : functions) sums.push_back(std::move(sum));
  std::stable_sort(sums.begin(), sums.end(), [](const FunctionSum& a, const FunctionSum& b) {
    return std::tie(a.file, a.first_line) < std::tie(b.file, b.first_line);
  });
  return sums;
}

std::vector<FileSum> sum_files(const Recording& recording) {
  struct Gathered {
    std::set<std::string_view> functions;
    std::set<int> lines;
    std::size_t pcs = 0;
  };
  const Reached reached(recording);
  std::map<std::string_view, Gathered> files;
  for (std::size_t i = 0; i < recording.locations.size(); ++i) {
    if (reached.records[i] == 0) continue;
    std::set<std::string_view> counted;
    for (const symbol::Frame& frame : recording.locations[i].frames) {
      if (frame.file.empty()) continue;
      Gathered& file = files[frame.file];
      if (frame.line != 0) file.lines.insert(frame.line);
      file.pcs += counted.insert(frame.file).second;
    }
  }
  for (std::size_t i = 0; i < recording.locations.size(); ++i) {
    if (reached.records[i] == 0) continue;
    for (const symbol::Frame& frame : recording.locations[i].frames) {
      const auto own = files.find(frame.function_file());
      const auto file = own != files.end() ? own : files.find(frame.file);
      if (file != files.end()) file->second.functions.insert(frame.function);
    }
  }
  std::vector<FileSum> sums;
  for (const auto& [name, file] : files)
    sums.push_back({name, file.functions.size(), file.lines.size(), file.pcs});
  return sums;
}

std::string text_of_calls(const Recording& recording, const Look& look) {
  // At 40 columns the names give way, and what is summed up least.
  const bool is_narrow = look.width != 0 && look.width < 64;
  const std::size_t name_columns = is_narrow ? 14 : kNameColumns;
  const auto row = [&](Tone tone, std::string_view name, const auto& times, const auto& pcs,
                       const auto& unique, const auto& functions, const auto& files) {
    std::string line = toned(look, tone, cell(name, name_columns));
    line += fmt::format(" {:>{}} {:>{}}", times, is_narrow ? 6 : 8, pcs, is_narrow ? 9 : 10);
    line += fmt::format(" {:>7}", unique);
    if (!is_narrow) line += fmt::format(" {:>9} {:>6}", functions, files);
    return line + '\n';
  };
  std::string text = row(Tone::heading, "call", "times", "PCs", "unique", "functions", "files");
  for (const CallSum& call : sum_calls(recording)) {
    const bool is_call = call.kind == EntryKind::system_call;
    text += row(is_call ? Tone::name : Tone::quiet, call.name, call.entries, call.records, call.pcs,
                call.functions, call.files);
  }
  return text;
}

namespace {

// Columns of the table of functions.
struct FunctionLayout {
  explicit FunctionLayout(std::size_t width) {
    constexpr std::size_t kNumbers = 1 + 6 + 1 + 9 + 2;
    constexpr std::size_t kUsual = 96;
    if (width == 0 || width >= kUsual) return;
    // In few columns it matters least who reached it.
    has_callers = false;
    const std::size_t left = std::max<std::size_t>(width, kNumbers + 16) - kNumbers;
    place = left * 6 / 11;
    function = left - place;
  }
  std::size_t place = 38;
  std::size_t function = 28;
  bool has_callers = true;
};

}  // namespace

std::string text_of_functions(const Recording& recording, const Look& look) {
  const FunctionLayout layout(look.width);
  // A name that is too long pushes the rest aside where there is room.
  const auto fill = [](std::string text, std::size_t columns) {
    const std::size_t taken = columns_of(text);
    return taken < columns ? text.append(columns - taken, ' ') : text;
  };
  const bool fits = look.width == 0;
  std::string text =
      toned(look, Tone::heading,
            fill("file:line", layout.place) + fmt::format(" {:>6} {:>9}  ", "PCs", "times") +
                (layout.has_callers ? fill("function", layout.function) + " reached by"
                                    : "function")) +
      '\n';
  for (const FunctionSum& function : sum_functions(recording)) {
    std::string place(function.file);
    if (function.first_line != 0) place += fmt::format(":{}", function.first_line);
    std::string name = shortened(printable(function.name), fits ? 0 : layout.function);
    if (layout.has_callers) name = fill(std::move(name), layout.function);
    std::string line =
        fill(shortened_path(printable(place), fits ? 0 : layout.place), layout.place) +
        fmt::format(" {:>6} {:>9}  ", function.pcs, function.records);
    std::size_t taken = columns_of(line) + columns_of(name);
    line += toned(look, Tone::name, name);
    std::size_t left = layout.has_callers ? function.calls.size() : 0;
    // Where there are few columns the first one's name matters more than that word.
    const bool is_short = left > 1 && look.width != 0 &&
                          taken + 1 + columns_of(printable(*function.calls.begin())) +
                                  fmt::format(" +{} more", left - 1).size() >
                              look.width;
    for (const std::string_view call : function.calls) {
      if (left == 0) break;
      const std::string more =
          is_short ? fmt::format(" +{}", left) : fmt::format(" +{} more", left);
      std::string caller = ' ' + printable(call);
      const std::size_t reserve = left > 1 ? more.size() : 0;
      if (look.width != 0 && taken + columns_of(caller) + reserve > look.width) {
        if (left != function.calls.size()) {
          line += more;
          break;
        }
        caller = shortened(caller, look.width - std::min(look.width, taken + reserve));
      }
      line += caller;
      taken += columns_of(caller);
      --left;
    }
    text += line + '\n';
  }
  return text;
}

std::string text_of_files(const Recording& recording, const Look& look) {
  std::string text =
      toned(look, Tone::heading,
            fmt::format("{:>9} {:>6} {:>7}  {}", "functions", "lines", "PCs", "file")) +
      '\n';
  constexpr std::size_t kNumbers = 9 + 1 + 6 + 1 + 7 + 2;
  for (const FileSum& file : sum_files(recording)) {
    const std::size_t left = look.width == 0 ? 0 : std::max(look.width, kNumbers + 8) - kNumbers;
    text += fmt::format("{:>9} {:>6} {:>7}  {}\n", file.functions, file.lines, file.pcs,
                        shortened_path(printable(file.file), left));
  }
  return text;
}

}  // namespace kcov::report
