#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Random programs on our kernel and on the stock one: every error, every count, every
# record of the tests' own code is the same. KCOV_PROGRAMS says how many programs of 100
# operations (docs/testing.md has the run of a million), KCOV_SEED which.
. "$(dirname "$0")/common.sh"
"$KCOV_BUILD/kcov_differential" --compare "$kcovtool" um "${KCOV_SEED:-1}" "${KCOV_PROGRAMS:-300}" 100 |
  tee "$scratch/out"
expect_in "$scratch/out" "operations, the same on both kernels"
