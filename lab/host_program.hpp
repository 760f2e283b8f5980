// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Tracing a program that is linked with kcov_host: no kernel, no machine; the program
// is run as it is and leaves its trace in a file we give it (port/host/trace_file.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lab/protocol.hpp"
#include "support/result.hpp"
#include "symbol/image.hpp"

namespace kcov::lab {

struct HostModule {
  std::uint64_t start = 0;  // addresses in memory, one past the last
  std::uint64_t end = 0;
  std::uint64_t bias = 0;  // what was added to the file's addresses
  std::string path;
};

struct HostTrace {
  Outcome outcome;
  std::vector<std::uint64_t> pcs;  // of its main thread, less load_bias
  std::uint64_t capacity = 0;
  std::optional<std::uint64_t> dropped;  // none: it did not end by exit()
  std::uint64_t load_bias = 0;
  std::vector<HostModule> modules;
};

// Runs request.arguments here, with `output` and `errors` as its standard output and
// error. An Error when it is not linked with kcov_host.
Result<HostTrace> trace_host_program(const Request& request, int output, int errors);

// The names of the PCs, each looked up in the program or shared object it lies in.
symbol::Locations locate(const HostTrace& trace);

}  // namespace kcov::lab
