#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The kernel's calls of the callbacks are made and unmade 10 000 times, and each trace is whole.
. "$(dirname "$0")/../common.sh"
expect_status 0 "$kcovtool" lab run -- "$KCOV_BUILD/lab_dormancy" 10000
[ "$(sed -n 's/^changes: //p' "$scratch/out")" -ge 20000 ] || fail "$(cat "$scratch/out")"
