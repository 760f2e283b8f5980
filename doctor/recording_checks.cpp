// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A recording: what is missing in it, and why.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "doctor/checks.hpp"

namespace kcov::doctor {
namespace {

using coverage::Entry;
using coverage::EntryKind;
using coverage::Recording;
using coverage::Task;

// Buffers are given in words, one of which is the count.
constexpr std::uint64_t kMostWords = 268434944;

std::string name_of_task(const Task& task) {
  const std::string program = task.programs.empty() || task.programs.back().arguments.empty()
                                  ? std::string()
                                  : ", " + task.programs.back().arguments[0];
  return fmt::format("task {}{}", task.id, program);
}

void check_end(Section& section, const Recording& recording) {
  const auto running = std::count_if(recording.tasks.begin(), recording.tasks.end(),
                                     [](const Task& task) { return !task.ended; });
  if (!recording.status) {
    section.problem("end",
                    fmt::format("it was broken off while {} of {} tasks ran: what was in their "
                                "buffers is not in it",
                                running, recording.tasks.size()),
                    "record again; Ctrl-C or SIGTERM, once, ends the command and keeps its whole "
                    "trace");
  } else if (*recording.status > 128) {
    section.ok("end", fmt::format("the command was ended by signal {}; it is all there",
                                  *recording.status - 128));
  } else {
    section.ok("end", fmt::format("the command ended with status {}", *recording.status));
  }
}

// Those that were not traced, by the reason.
void check_tasks(Section& section, const Recording& recording) {
  std::map<std::string_view, std::vector<const Task*>> untraced;
  for (const Task& task : recording.tasks)
    if (!task.untraced.empty()) untraced[task.untraced].push_back(&task);
  for (const auto& [reason, tasks] : untraced) {
    section.problem(
        "tasks",
        fmt::format("{}{} not traced: {}", name_of_task(*tasks.front()),
                    tasks.size() == 1 ? " was" : fmt::format(" and {} more were", tasks.size() - 1),
                    reason),
        "where memory was short, --memory or a smaller --buffer; else none: a task in a sandbox, "
        "one "
        "of 32 bits and one that ended at once cannot be traced");
  }
  if (recording.tasks.empty()) {
    section.problem("tasks", "there is none in it: it was broken off before the command ran",
                    "kcovtool doctor, to see whether tracing works here");
  } else if (untraced.empty()) {
    section.ok("tasks", fmt::format("all {} were traced", recording.tasks.size()));
  }
}

void check_records(Section& section, const Recording& recording) {
  // As everywhere, without what following the command added.
  std::size_t count = 0;
  std::vector<bool> is_own(recording.locations.size());
  for (const Task& task : recording.tasks) {
    task.for_each_own_record([&](std::uint32_t location) {
      ++count;
      is_own[location] = true;
    });
  }
  if (count != 0) {
    section.ok("records", fmt::format("{} PCs, {} of them unique", count,
                                      std::count(is_own.begin(), is_own.end(), true)));
  } else if (recording.release.empty()) {
    section.problem("records", "the program recorded nothing: none of what it ran is instrumented",
                    "compile it with kcov_instrument() (docs/host.md)");
  } else if (!recording.status) {
    section.ok("records", "none: what there was is lost with the buffers");
  } else {
    section.problem("records", "the kernel recorded nothing",
                    "kcovtool doctor --vmlinux FILE, to see whether that kernel is instrumented");
  }
}

void check_losses(Section& section, const Recording& recording) {
  std::uint64_t most = 0;
  bool is_lost = false;
  for (const Task& task : recording.tasks) {
    if (!task.is_cut_off()) continue;
    is_lost = true;
    most = std::max(most, task.records.size() + task.dropped.value_or(0));
  }
  if (!is_lost) {
    section.ok("buffers", "no record was dropped");
    return;
  }
  // One that does not have to be emptied has room for all.
  const std::uint64_t words = std::min(kMostWords, (most + 1 + 511) / 512 * 512);
  for (const Task& task : recording.tasks) {
    if (!task.is_cut_off()) continue;
    const std::string seen =
        task.dropped ? fmt::format("{} dropped {} records, which did not fit into its buffer of {}",
                                   name_of_task(task), *task.dropped, task.capacity)
                     : fmt::format(
                           "{} filled its buffer of {}; how many records were dropped the "
                           "kernel cannot tell",
                           name_of_task(task), task.capacity);
    section.problem("buffers", seen,
                    task.dropped ? fmt::format("kcovtool trace --buffer {}", words)
                                 : fmt::format("kcovtool trace --buffer {}, or our kcov, which "
                                               "counts them",
                                               std::min(kMostWords, words * 2)));
  }
}

// Which of the PCs are none that kcov records; only known where they were looked up.
void check_addresses(Section& section, const Recording& recording) {
  std::size_t strangers = 0;
  std::size_t nowhere = 0;  // in no function at all
  std::uint64_t example = 0;
  for (const symbol::Location& location : recording.locations) {
    if (location.is_call_site) continue;
    const bool is_nowhere = location.symbol.empty() && location.frames.empty();
    if (strangers == 0 || (is_nowhere && nowhere == 0)) example = location.pc;
    ++strangers;
    if (is_nowhere) ++nowhere;
  }
  const std::size_t all = recording.locations.size();
  // Up to one in three hundred is no wonder (symbol/call_sites.hpp).
  constexpr std::size_t kRare = 100;
  if (strangers > all / 4) {
    section.problem("addresses",
                    fmt::format("{} of {} PCs lie behind no call of kcov in the image (such as "
                                "{:#x}): it is the image of another build",
                                strangers, all, example),
                    "name the vmlinux of the kernel that ran with --vmlinux");
  } else if (nowhere != 0 || strangers > 2 + all / kRare) {
    section.problem(
        "addresses",
        fmt::format("{} of {} PCs lie behind no call of kcov in the image, {} of them in no "
                    "function (such as {:#x}): the traced program, or what it tests, has written "
                    "into its buffer, or modules were traced",
                    strangers, all, nowhere, example),
        "look at these PCs with kcovtool show --raw; they are no coverage");
  } else {
    section.ok("addresses", fmt::format("{} of {} PCs lie behind a call of kcov in the image",
                                        all - strangers, all));
  }
}

void check_names(Section& section, const Recording& recording) {
  if (recording.unnamed.empty()) {
    section.ok("names", "PCs have names");
    check_addresses(section, recording);
  } else {
    section.problem("names", recording.unnamed,
                    "name that kernel's vmlinux with --vmlinux; without it nothing is known of "
                    "where its PCs lie");
  }
}

void check_calls(Section& section, const Recording& recording) {
  std::size_t calls = 0;
  std::map<std::string_view, std::size_t> without;
  for (const Task& task : recording.tasks) {
    for (const Entry& entry : task.entries) {
      if (entry.kind != EntryKind::system_call) continue;
      ++calls;
      if (!entry.name.empty() && entry.name[0] == '(') ++without[entry.name];
    }
  }
  if (calls == 0) return;
  std::string seen = fmt::format("{} system calls", calls);
  for (const auto& [name, count] : without) seen += fmt::format(", {} of them {}", count, name);
  section.ok("calls", seen,
             without.empty()
                 ? ""
                 : "why one is not instrumented: kcovtool doctor --function NAME of its "
                   "function (sched_yield: do_sched_yield)");
}

}  // namespace

Section check_recording(const Recording& recording, const std::string& name) {
  Section section;
  section.title = fmt::format("the recording {} ({}{}{})", name, recording.machine,
                              recording.release.empty() ? "" : ", Linux ", recording.release);
  check_end(section, recording);
  check_tasks(section, recording);
  check_records(section, recording);
  check_losses(section, recording);
  if (recording.record_count() != 0) check_names(section, recording);
  check_calls(section, recording);
  return section;
}

}  // namespace kcov::doctor
