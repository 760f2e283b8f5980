// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The assignments of a kbuild Makefile, as far as they can be told without running make.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "doctor/kernel_config.hpp"

namespace kcov::doctor {

struct Assignment {
  std::string variable;   // "KCOV_INSTRUMENT_main.o"
  std::string operation;  // ":=", "=", "+=", "?="
  std::string value;
  int line = 0;
  std::string text;       // the line, without the comment at its end
  std::string reason;     // the comment right above
  std::string condition;  // "ifdef CONFIG_SMP": what it hangs on, where that is not known
};

// Those that hold: what a condition on the configuration rules out is left out. `config` may be
// null; then such a condition is not known.
std::vector<Assignment> read_assignments(std::string_view makefile, const KernelConfig* config);

// Whether the name of `variable` in a Makefile, which may have references in it
// ("KCOV_INSTRUMENT_head$(BITS).o"), can become `name`.
bool may_be(std::string_view variable, std::string_view name);

}  // namespace kcov::doctor
