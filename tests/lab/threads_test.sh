#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# ThreadSanitizer finds nothing in a trace, whose tasks are cut and named by threads of the tool.
. "$(dirname "$0")/common.sh"
tool=$KCOV_BUILD/tsan/kcovtool
[ -x "$tool" ] || skip "there is no build with ThreadSanitizer (cmake --preset tsan)"

# The first cut starts while others run, the last goes on while names are looked up.
expect_status 0 env KCOVTOOL_AGENT="$KCOV_BUILD/kcov-agent" "$tool" trace -o "$scratch/run.kcov" -- \
  sh -c 'find /usr/include -type f >/dev/null; find /usr/include -type f >/dev/null; find /usr/include -type f'
! grep -F -A 20 "WARNING: ThreadSanitizer" "$scratch/err" || fail "a data race"
expect_status 0 "$kcovtool" show "$scratch/run.kcov"
expect_in "$scratch/out" "4 tasks"
