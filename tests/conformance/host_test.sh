#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# host_test.sh PROGRAM DIRECTORY NAME: the contract on the user-space port; what it printed
# is kept in DIRECTORY for the table of ports.
set -eu
mkdir -p "$2"
status=0
"$1" >"$2/$3.running" 2>&1 || status=$?
mv "$2/$3.running" "$2/$3"
cat "$2/$3"
for rule in $(seq -w 1 39); do
  grep -q " $rule " "$2/$3" || { echo "rule $rule has no test"; exit 1; }
done
exit $status
