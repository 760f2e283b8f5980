// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Which line of which Makefile decides whether a file of the kernel is instrumented.
//
// kbuild asks for each object, in this order, and the first that says anything decides:
//
//   KCOV_INSTRUMENT_foo.o       in the Makefile that builds foo.o
//   KCOV_INSTRUMENT             there; it does not reach into the directories below
//   CONFIG_KCOV_INSTRUMENT_ALL  of the whole kernel
//
// A Makefile builds what lies beside it, and sometimes what lies below it ("obj-y += sub/foo.o") or
// elsewhere ("../lib/foo.o"): then it is that one which counts. On user-mode Linux some files are
// compiled as programs of the host, and nobody asks.
#pragma once

#include <filesystem>
#include <string>

#include "doctor/kernel_config.hpp"

namespace kcov::doctor {

struct Decision {
  enum class Kind {
    instrumented,
    left_out,
    for_host,  // it is not compiled as kernel code is; user-mode Linux has such files
    not_known,
  };
  Kind kind = Kind::not_known;
  std::string makefile;   // "kernel/sched/Makefile"; of CONFIG_KCOV_INSTRUMENT_ALL: the .config
  int line = 0;           // 0: no line says it
  std::string text;       // "KCOV_INSTRUMENT := n"
  std::string reason;     // the comment above it
  std::string condition;  // what it hangs on, where that is not known
};

// `unit`: the file that was compiled, as the compiler was told it ("kernel/sched/core.c",
// "arch/x86/um/../lib/delay.c"). `config` may be null.
Decision decide_instrumentation(const std::filesystem::path& tree, const std::string& unit,
                                const KernelConfig* config);

// The file of that name in the tree: as it stands, or, where the compiler was told an absolute name
// of another place, its end that is there. Empty: there is none.
std::filesystem::path find_in_tree(const std::filesystem::path& tree, const std::string& file);

}  // namespace kcov::doctor
