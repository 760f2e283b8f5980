// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What a kernel of the lab is configured with: lab/config/NAME.config, by whose name a
// kernel is built and run (--machine NAME). "um" and "x86_64" are the plain ones; others
// build on them, with a debugging option or another series of Linux:
//
//   include x86_64          everything that lab/config/x86_64.config has
//   series 6.1              of Debian's linux-source-6.1; without it 6.12
//   CONFIG_PROVE_LOCKING=y
//   # CONFIG_KCOV_SELFTEST is not set       takes back what the included one has
//   ours: CONFIG_KCOV_SELFTEST=y            for our kcov only
//   plugins: CONFIG_GCC_PLUGINS=y           for ours, and only where gcc has its plugins' headers
#pragma once

#include <filesystem>
#include <string>

#include "lab/edits.hpp"
#include "support/result.hpp"

namespace kcov::lab {

struct Configuration {
  std::string name;
  std::string base;      // "um" or "x86_64": what it runs on
  std::string series;    // "6.12"
  std::string fragment;  // lines for KCONFIG_ALLCONFIG
  std::string plugins;   // more of them, where gcc has its plugins' headers
};

// Reads lab/config/`name`.config below `data`, for a kernel of `variant`. An Error also for ours
// where it has no kcov.
Result<Configuration> load_configuration(const std::filesystem::path& data, const std::string& name,
                                         Variant variant);

// The machine that a kernel of configuration `name` runs on: what stands before the first
// '-', since every configuration is named after it.
std::string base_of(const std::string& name);

}  // namespace kcov::lab
