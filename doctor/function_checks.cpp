// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Why a function has no coverage. From the image: is there code of it, and does that call kcov.
// From the sources, where they are at hand: what has left the calls out. The order of the reasons
// is that in which they decide: the language, where the code lies, the definition's own words, the
// Makefile.
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "doctor/checks.hpp"
#include "doctor/definition.hpp"
#include "doctor/kbuild.hpp"
#include "support/files.hpp"
#include "support/text.hpp"

namespace fs = std::filesystem;

namespace kcov::doctor {
namespace {

using symbol::FunctionCopy;
using symbol::FunctionInlining;
using symbol::FunctionReport;

// Lines for callers; of a helper in a header there are thousands.
constexpr std::size_t kMostCallers = 8;

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

constexpr const char* kCheck = "calls";

// Where the code lies in a part of the kernel in which kcov must not be called.
bool explain_by_region(Section& section, const FunctionCopy& copy) {
  if (copy.region != ".noinstr.text" && copy.region != ".entry.text" &&
      copy.region != ".cpuidle.text") {
    return false;
  }
  section.problem(
      kCheck,
      fmt::format(
          "{} does not call kcov: its code lies in {}, that is, it is noinstr, since it runs "
          "where nothing may be called that is not prepared for it (entry code, idle)",
          copy.symbol, copy.region),
      "none: it cannot be instrumented; look at the functions that it calls");
  return true;
}

bool explain_by_language(Section& section, const FunctionCopy& copy) {
  if (!copy.is_assembly && !copy.unit.ends_with(".S")) return false;
  section.problem(kCheck,
                  fmt::format("{} does not call kcov: it is written in assembly ({}), which no "
                              "compiler instruments",
                              copy.symbol, copy.unit),
                  "none: look at the C functions that call it");
  return true;
}

bool explain_by_words(Section& section, const FunctionReport& report, const FunctionCopy& copy,
                      const KernelTree& tree) {
  if (tree.source.empty()) return false;
  for (const auto& definition : report.definitions) {
    const fs::path file = find_in_tree(tree.source, definition.file);
    const Result<std::string> text = read_file(tree.source / file);
    if (file.empty() || !text) continue;
    const std::string word = word_against_instrumentation(*text, definition.line);
    if (word.empty()) continue;
    section.problem(kCheck,
                    fmt::format("{} does not call kcov: {}:{}: its definition says {}", copy.symbol,
                                file.string(), definition.line, word),
                    "take that off, if the function may call kcov wherever it runs");
    return true;
  }
  return false;
}

std::string with_reason(const Decision& decision) {
  std::string text = decision.line == 0 ? fmt::format("{}: {}", decision.makefile, decision.text)
                                        : fmt::format("{}:{}: {}", decision.makefile, decision.line,
                                                      decision.text);
  if (!decision.condition.empty()) text += fmt::format(" (in {})", quoted(decision.condition));
  if (!decision.reason.empty()) text += fmt::format("; it says: {}", quoted(decision.reason));
  return text;
}

void explain_by_makefile(Section& section, const FunctionCopy& copy, const KernelTree& tree,
                         bool has_debug_info) {
  const auto because = [&](const std::string& why, std::string remedy) {
    section.problem(kCheck, fmt::format("{} does not call kcov: {}", copy.symbol, why),
                    std::move(remedy));
  };
  if (copy.unit.empty()) {
    return because("why is not known, since it is not known which file it was compiled from",
                   has_debug_info
                       ? "none, if it is a trampoline or assembly in a C file: look at its callers"
                       : "build the kernel with CONFIG_DEBUG_INFO_DWARF5=y");
  }
  if (tree.source.empty()) {
    return because(
        fmt::format("why is not known; it was compiled from {}, whose Makefile may leave "
                    "it out",
                    copy.unit),
        "name the tree that the image was built of with --kernel-source");
  }
  const Decision decision =
      decide_instrumentation(tree.source, copy.unit, tree.config ? &*tree.config : nullptr);
  if (decision.kind == Decision::Kind::for_host) {
    return because(fmt::format("{}: it is compiled as a program of the host, without the kernel's "
                               "flags",
                               with_reason(decision)),
                   "none: such code may run where there is no current task");
  }
  if (decision.kind == Decision::Kind::left_out) {
    return because(
        with_reason(decision),
        decision.line == 0
            ? "build the kernel with CONFIG_KCOV_INSTRUMENT_ALL=y"
            : fmt::format("change that line, if its reason does not hold for you, or add "
                          "KCOV_INSTRUMENT_{}.o := y there, and build again (a copy of the tree "
                          "for the lab: kcovtool lab build --source TREE)",
                          fs::path(copy.unit).stem().string()));
  }
  if (decision.kind == Decision::Kind::instrumented) {
    return because(
        fmt::format("the compiler has left no block of its own in it, or the tree is not "
                    "the one that was built: {} is instrumented there ({})",
                    copy.unit, with_reason(decision)),
        "look at the functions that call it");
  }
  if (!decision.text.empty())
    return because(fmt::format("why is not known: {}", with_reason(decision)),
                   "see what make makes of that line");
  because(
      decision.makefile.empty()
          ? fmt::format("why is not known: no Makefile for {} is in {}", copy.unit,
                        tree.source.string())
          : fmt::format("why is not known: {} says nothing of it, and CONFIG_KCOV_INSTRUMENT_ALL "
                        "is not known without the .config",
                        decision.makefile),
      "name the tree that the image was built in with --kernel-source");
}

void explain_left_out(Section& section, const FunctionReport& report, const FunctionCopy& copy,
                      const KernelTree& tree) {
  if (explain_by_language(section, copy) || explain_by_region(section, copy) ||
      explain_by_words(section, report, copy, tree)) {
    return;
  }
  explain_by_makefile(section, copy, tree, report.has_debug_info);
}

bool is_cold(const FunctionCopy& copy) { return copy.symbol.find(".cold") != std::string::npos; }

// Its own code. The copies that are called, not their unlikely parts, decide.
void check_copies(Section& section, const FunctionReport& report, const KernelTree& tree) {
  const FunctionCopy* left_out = nullptr;
  for (const FunctionCopy& copy : report.copies) {
    const std::string seen =
        fmt::format("{} at {:#x}, {} bytes in {}{}{}", copy.symbol, copy.address, copy.size,
                    copy.region, copy.unit.empty() ? "" : ", of ", copy.unit);
    if (copy.calls != 0) {
      section.ok("code", fmt::format("{}: calls kcov{} {}", seen,
                                     report.by_address ? ", whose address it loads in" : " in",
                                     numbered(copy.calls, "place")));
    } else {
      section.ok("code", seen);
      if (left_out == nullptr && !is_cold(copy)) left_out = &copy;
    }
  }
  if (left_out != nullptr) explain_left_out(section, report, *left_out, tree);
  const bool at_boot = !report.copies.empty() &&
                       std::all_of(report.copies.begin(), report.copies.end(),
                                   [](const auto& copy) { return copy.region == ".init.text"; });
  if (at_boot) {
    section.problem("boot", "its code lies in .init.text: it runs once, before any task is traced",
                    "none: its memory is free when the first program runs");
  }
}

void check_inlinings(Section& section, const FunctionReport& report) {
  std::vector<const FunctionInlining*> callers;
  for (const FunctionInlining& one : report.inlinings) callers.push_back(&one);
  std::stable_sort(callers.begin(), callers.end(), [](const auto* a, const auto* b) {
    return a->caller_calls != b->caller_calls ? a->caller_calls > b->caller_calls
                                              : a->into < b->into;
  });
  std::size_t traced = 0;
  for (const FunctionInlining* caller : callers)
    if (caller->caller_calls != 0) ++traced;
  if (callers.empty()) return;
  std::string names;
  for (std::size_t i = 0; i < std::min(callers.size(), kMostCallers); ++i)
    names +=
        fmt::format("{}{} ({})", names.empty() ? "" : ", ", callers[i]->into, callers[i]->unit);
  if (callers.size() > kMostCallers)
    names += fmt::format(", and {} more", callers.size() - kMostCallers);
  const std::string seen = fmt::format("inlined {}into {}, {} of which call kcov: {}",
                                       report.copies.empty() ? "everywhere, " : "",
                                       numbered(callers.size(), "function"), traced, names);
  if (traced == 0) {
    section.problem("inlined", seen, "see why one of these is left out: --function with its name");
  } else {
    section.ok("inlined", seen,
               "its blocks are recorded as theirs; kcovtool symbolize names it before \"in\"");
  }
}

void tell_not_there(Section& section, const FunctionReport& report, const std::string& name) {
  std::string similar;
  for (const std::string& one : report.similar)
    similar += fmt::format("{}{}", similar.empty() ? "; there are " : ", ", one);
  if (!report.definitions.empty()) {
    const auto& place = report.definitions.front();
    section.problem("code",
                    fmt::format("{} ({}:{}) was compiled, and nothing of it was left: nobody calls "
                                "it, or its calls were worked out by the compiler{}",
                                name, place.file, place.line, similar),
                    "none: it does not run");
    return;
  }
  section.problem(
      "code",
      fmt::format("there is no {} among the symbols{}{}: it is not compiled into this kernel (its "
                  "option is off), is in a module, or has another name{}",
                  name, report.has_debug_info ? " or in the debug information" : "",
                  report.has_debug_info ? "" : " (inlined ones would be in debug information only)",
                  similar),
      "look for its name in the source, and for the option in the Makefile that builds that file");
}

}  // namespace

Result<KernelTree> find_tree(const fs::path& source, const fs::path& vmlinux) {
  KernelTree tree;
  std::error_code error;
  const fs::path real = fs::canonical(vmlinux, error);
  const fs::path beside = real.parent_path();
  if (!source.empty()) {
    if (!fs::is_regular_file(source / "Makefile", error)) {
      return Error{fmt::format("cannot use {} as the kernel's source: it has no Makefile; name the "
                               "top directory of a kernel tree",
                               source.string()),
                   2};
    }
    tree.source = source;
  } else if (fs::is_directory(beside / "source", error)) {
    tree.source = beside / "source";
  } else if (fs::is_regular_file(beside / "Makefile", error) &&
             fs::is_directory(beside / "kernel", error)) {
    // An image that still stands where it was built.
    tree.source = beside;
  }
  for (const fs::path& candidate :
       {beside / "config", beside / ".config", tree.source / ".config"}) {
    if (tree.config || !fs::is_regular_file(candidate, error)) continue;
    if (Result<KernelConfig> config = KernelConfig::read(candidate)) tree.config = *config;
  }
  return tree;
}

Section check_function(symbol::Image& image, const std::string& function, const KernelTree& tree) {
  Section section;
  section.title = fmt::format("the function {} in {}", function, image.path());
  const FunctionReport report = image.find_function(function);
  const symbol::Instrumentation whole = image.instrumentation();
  if (!whole.is_known) {
    section.not_known("instrumented",
                      "calls of kcov are looked for in x86-64 code only, and this is another");
    return section;
  }
  if (!whole.has_callback || whole.instrumented == 0) {
    section.problem("kcov", "nothing in this image calls kcov",
                    "see kcovtool doctor --vmlinux FILE, without --function");
    return section;
  }
  if (report.copies.empty() && report.inlinings.empty()) {
    tell_not_there(section, report, function);
    return section;
  }
  check_copies(section, report, tree);
  check_inlinings(section, report);
  if (!section.has_problem()) {
    section.ok("so", "what it executes in a traced task is recorded",
               "where it is not: it was not reached, or runs in an interrupt or in a task that is "
               "not traced (kcovtool doctor RECORDING)");
  }
  return section;
}

}  // namespace kcov::doctor
