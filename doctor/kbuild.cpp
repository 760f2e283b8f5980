// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "doctor/kbuild.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

#include "doctor/makefile.hpp"
#include "support/files.hpp"

namespace fs = std::filesystem;

namespace kcov::doctor {
namespace {

constexpr std::string_view kVariable = "KCOV_INSTRUMENT";

// A Makefile that may build an object, and the object's name there, without ".o".
struct Builder {
  fs::path makefile;  // in the tree
  std::string stem;
  std::string text;
};

bool is_in_name(char c) {
  return c == '_' || c == '-' || c == '.' || c == '/' || (c >= '0' && c <= '9') ||
         (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool mentions(const std::string& makefile, const std::string& object) {
  for (std::size_t at = 0; (at = makefile.find(object, at)) != std::string::npos; ++at) {
    const std::size_t end = at + object.size();
    if ((at == 0 || !is_in_name(makefile[at - 1])) &&
        (end == makefile.size() || !is_in_name(makefile[end]))) {
      return true;
    }
  }
  return false;
}

// kbuild takes Kbuild before Makefile.
fs::path makefile_in(const fs::path& tree, const fs::path& directory) {
  std::error_code ignored;
  for (const char* name : {"Kbuild", "Makefile"})
    if (fs::is_regular_file(tree / directory / name, ignored)) return directory / name;
  return {};
}

// The Makefile that builds it: the nearest above it that mentions it, or, since names are also
// put together, the nearest.
Builder find_builder(const fs::path& tree, const fs::path& unit) {
  fs::path directory = unit.parent_path();
  // What is built from elsewhere is built by the Makefile before the first "..".
  fs::path before;
  for (const fs::path& part : directory) {
    if (part == "..") {
      directory = before;
      break;
    }
    before /= part;
  }
  Builder nearest;
  for (;; directory = directory.parent_path()) {
    const fs::path makefile = makefile_in(tree, directory);
    if (!makefile.empty()) {
      const std::string whole = unit.string();
      const std::size_t skipped = directory.empty() ? 0 : directory.string().size() + 1;
      Builder builder;
      builder.makefile = makefile;
      builder.stem = fs::path(whole.substr(skipped)).replace_extension().string();
      if (Result<std::string> text = read_file(tree / makefile)) builder.text = std::move(*text);
      if (mentions(builder.text, builder.stem + ".o")) return builder;
      if (nearest.makefile.empty()) nearest = std::move(builder);
    }
    if (directory.empty()) return nearest;
  }
}

// Linux up to 6.8 knows KCOV_INSTRUMENT_foo.o for "sub/foo.o" too; later it is
// KCOV_INSTRUMENT_sub/foo.o.
std::string name_in_variable(const fs::path& tree, const std::string& stem) {
  const Result<std::string> rules = read_file(tree / "scripts/Makefile.lib");
  const bool by_base = rules && rules->find("KCOV_INSTRUMENT_$(basetarget)") != std::string::npos;
  return by_base ? fs::path(stem).filename().string() : stem;
}

// What a variable holds at the Makefile's end, and the line that made it so.
struct Value {
  std::string text;
  const Assignment* from = nullptr;
};

Value value_of(const std::vector<Assignment>& assignments, const std::string& name) {
  Value value;
  for (const Assignment& one : assignments) {
    if (!one.variable.starts_with(kVariable) || !may_be(one.variable, name)) continue;
    if (one.operation == "?=" && !value.text.empty()) continue;
    if (one.operation == "+=" && !value.text.empty()) {
      value.text += " " + one.value;
      continue;
    }
    value = {one.value, &one};
  }
  return value;
}

Decision decided_by(const Builder& builder, const Value& value) {
  Decision decision;
  decision.kind = value.text[0] == 'n' ? Decision::Kind::left_out : Decision::Kind::instrumented;
  // A reference: whatever that is.
  if (value.text[0] == '$') decision.kind = Decision::Kind::not_known;
  decision.makefile = builder.makefile.string();
  decision.line = value.from->line;
  decision.text = value.from->text;
  decision.reason = value.from->reason;
  decision.condition = value.from->condition;
  return decision;
}

// Of user-mode Linux: what is compiled as a program of the host, without the kernel's flags. It is
// listed in USER_OBJS, or named something_user.c.
const Assignment* host_objects(const std::vector<Assignment>& assignments, const Builder& builder) {
  const auto found =
      std::find_if(assignments.begin(), assignments.end(), [&](const Assignment& one) {
        return one.variable == "USER_OBJS" && (mentions(one.value, builder.stem + ".o") ||
                                               one.value.find("$(obj-y)") != std::string::npos);
      });
  return found == assignments.end() ? nullptr : &*found;
}

Decision built_for_the_host(const Builder& builder, const Assignment* listed) {
  Decision decision;
  decision.kind = Decision::Kind::for_host;
  decision.makefile = builder.makefile.string();
  decision.line = listed != nullptr ? listed->line : 0;
  decision.text = listed != nullptr ? listed->text : builder.stem + ".c, by its name";
  return decision;
}

}  // namespace

Decision decide_instrumentation(const fs::path& tree, const std::string& unit,
                                const KernelConfig* config) {
  Decision decision;
  const fs::path found = find_in_tree(tree, unit);
  const Builder builder =
      find_builder(tree, found.empty() ? fs::path(unit).relative_path() : found);
  if (builder.makefile.empty()) return decision;
  decision.makefile = builder.makefile.string();
  const std::vector<Assignment> assignments = read_assignments(builder.text, config);
  if (builder.text.find("arch/um/scripts/Makefile.rules") != std::string::npos) {
    const Assignment* const listed = host_objects(assignments, builder);
    if (listed != nullptr || builder.stem.ends_with("_user"))
      return built_for_the_host(builder, listed);
  }
  const std::string object = name_in_variable(tree, builder.stem) + ".o";
  for (const std::string& variable :
       {std::string(kVariable) + "_" + object, std::string(kVariable)}) {
    const Value value = value_of(assignments, variable);
    if (!value.text.empty()) return decided_by(builder, value);
  }
  if (config == nullptr) return decision;
  decision.text = "CONFIG_KCOV_INSTRUMENT_ALL";
  decision.makefile = config->path();
  if (config->is_set("CONFIG_KCOV_INSTRUMENT_ALL")) {
    decision.kind = Decision::Kind::instrumented;
    decision.text += "=y";
  } else {
    decision.kind = Decision::Kind::left_out;
    decision.text += " is not set";
  }
  return decision;
}

fs::path find_in_tree(const fs::path& tree, const std::string& file) {
  std::error_code ignored;
  fs::path rest = fs::path(file).relative_path();
  while (!rest.empty()) {
    if (fs::is_regular_file(tree / rest, ignored)) return rest;
    fs::path shorter;
    for (auto part = std::next(rest.begin()); part != rest.end(); ++part) shorter /= *part;
    rest = shorter;
  }
  return {};
}

}  // namespace kcov::doctor
