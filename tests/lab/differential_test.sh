#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Random programs on our kernel and on the stock one: every error, every count, every
# record of the tests' own code is the same. KCOV_PROGRAMS says how many programs of 100
# operations (docs/testing.md has the run of a million), KCOV_SEED which.
. "$(dirname "$0")/common.sh"
"$KCOV_BUILD/kcov_differential" --compare "$kcovtool" um "${KCOV_SEED:-1}" "${KCOV_PROGRAMS:-300}" 100 |
  tee "$scratch/out"
expect_in "$scratch/out" "operations, the same on both kernels"

# A difference there is on purpose (contract 23: an area of no words) is found, and cut down
# to the three operations that show it.
{
  "$KCOV_BUILD/kcov_differential" --print 5 0 12 | grep -v remote
  echo "0 open 0x0 0x2 0x0 0x0"
  echo "0 init 0x0 0x200 0x0 0x0"
  echo "0 unmap 0x1 0x0 0x0 0x0"
  echo "0 remote 0x0 0x0 0x0 0x0"
} >"$scratch/program"
expect_status 1 "$KCOV_BUILD/kcov_differential" --compare "$kcovtool" um "$scratch/program"
expect_in "$scratch/out" "ours:  -22" "stock: 0"
[ "$(grep -c ' 0x' "$scratch/out")" = 3 ] || { cat "$scratch/out" >&2; fail "it was not cut down"; }
