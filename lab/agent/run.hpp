// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Runs one command for the tool: its streams through the channel, its coverage
// through kcov, its end as an Outcome.
#pragma once

#include "lab/agent/channel.hpp"
#include "lab/protocol.hpp"

namespace kcov::agent {

// `owns_machine`: everything that the command leaves running is killed at its end.
// `spool`: the directory that input files lie in, or -1.
lab::Outcome run_command(Channel& channel, const lab::Request& request, bool owns_machine,
                         int spool);

}  // namespace kcov::agent
