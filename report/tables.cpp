// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace kcov::report {
namespace {

using coverage::Entry;
using coverage::EntryKind;
using coverage::Recording;
using coverage::Task;

constexpr int kNameColumns = 18;
constexpr int kFileColumns = 32;

// How often each location was recorded, and by entries of which names.
struct Reached {
  explicit Reached(const Recording& recording) : records(recording.locations.size()) {
    for (const Task& task : recording.tasks) {
      for (const Entry& entry : task.entries) {
        if (entry.kind == EntryKind::tracer) continue;
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

std::string shortened(std::string_view text, std::size_t columns) {
  if (text.size() <= columns) return std::string(text);
  return "..." + std::string(text.substr(text.size() - columns + 3));
}

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
      if (entry.kind == EntryKind::tracer) continue;
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
      FunctionSum& sum = functions[{frame.file, frame.function}];
      sum.name = frame.function;
      sum.file = frame.file;
      if (frame.line != 0 && (sum.first_line == 0 || frame.line < sum.first_line))
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
      file.functions.insert(frame.function);
      if (frame.line != 0) file.lines.insert(frame.line);
      file.pcs += counted.insert(frame.file).second;
    }
  }
  std::vector<FileSum> sums;
  for (const auto& [name, file] : files)
    sums.push_back({name, file.functions.size(), file.lines.size(), file.pcs});
  return sums;
}

std::string text_of_calls(const Recording& recording) {
  std::string text = fmt::format("{:<{}} {:>8} {:>10} {:>7} {:>9} {:>6}\n", "call", kNameColumns,
                                 "times", "PCs", "unique", "functions", "files");
  for (const CallSum& call : sum_calls(recording)) {
    text += fmt::format("{:<{}} {:>8} {:>10} {:>7} {:>9} {:>6}\n", call.name, kNameColumns,
                        call.entries, call.records, call.pcs, call.functions, call.files);
  }
  return text;
}

std::string text_of_functions(const Recording& recording, std::size_t width) {
  std::string text = fmt::format("{:<{}} {:>6} {:>9}  {:<28} {}\n", "file:line", kFileColumns + 6,
                                 "PCs", "times", "function", "reached by");
  for (const FunctionSum& function : sum_functions(recording)) {
    const std::string place = fmt::format("{}:{}", function.file, function.first_line);
    std::string line = fmt::format("{:<{}} {:>6} {:>9}  {:<28}",
                                   width == 0 ? place : shortened(place, kFileColumns + 6),
                                   kFileColumns + 6, function.pcs, function.records, function.name);
    std::size_t left = function.calls.size();
    for (const std::string_view call : function.calls) {
      const std::string more = fmt::format(" +{} more", left);
      if (width != 0 && left != function.calls.size() &&
          line.size() + 1 + call.size() + (left > 1 ? more.size() : 0) > width) {
        line += more;
        break;
      }
      line += fmt::format(" {}", call);
      --left;
    }
    if (width != 0 && line.size() > width) line.resize(width);
    text += line + '\n';
  }
  return text;
}

std::string text_of_files(const Recording& recording) {
  std::string text = fmt::format("{:>9} {:>6} {:>7}  {}\n", "functions", "lines", "PCs", "file");
  for (const FileSum& file : sum_files(recording))
    text += fmt::format("{:>9} {:>6} {:>7}  {}\n", file.functions, file.lines, file.pcs, file.file);
  return text;
}

}  // namespace kcov::report
