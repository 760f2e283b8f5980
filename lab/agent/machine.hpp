// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What a fresh machine needs before a command can run in it as it would on the host.
#pragma once

#include <string>
#include <vector>

namespace kcov::agent {

// What differs between the lab's machines.
struct MachineKind {
  // The line to the tool.
  const char* line;
  // Whether the host's directories are shared over 9p, or else hostfs.
  bool has_9p;
};
MachineKind machine_kind();

// The directory that the tool leaves input in, or -1. Before prepare_machine(), which may
// put something over it.
int open_spool(const MachineKind& kind);

// Opens the line to the tool and keeps others away from it; -1 when there is none. After
// prepare_machine().
int open_line(const MachineKind& kind);

// Mounts /proc, /sys, debugfs and /dev, and brings the loopback interface up.
// An empty string, or what failed.
std::string prepare_machine();

// A private, writable /tmp over the host's, and each of `directories` written through
// to the host. An empty string, or what failed.
std::string mount_writable(const MachineKind& kind, const std::vector<std::string>& directories);

}  // namespace kcov::agent
