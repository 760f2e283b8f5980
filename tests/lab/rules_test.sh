#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The contract, rule by rule, on our kernel and on the stock one; and not a word of
# complaint in the kernels' logs.
. "$(dirname "$0")/common.sh"

complaints='BUG|WARNING|Oops|Call Trace|kcov:|scheduling while atomic|Unable to handle|general protection|epollctl|overlayfs|Failed to'
for variant in "" --stock; do
  status=0
  # shellcheck disable=SC2086
  on_kernel $variant --log "$scratch/log" -- "$KCOV_BUILD/lab_rules" $variant >"$scratch/rules" 2>&1 || status=$?
  [ "$status" = 0 ] || { cat "$scratch/rules" >&2; tail -n 20 "$scratch/log" >&2; fail "rules on the kernel ${variant:-ours}"; }
  expect_in "$scratch/rules" "28 rules, 0 failed"
  expect_in "$scratch/log" "Linux version 6.12"
  expect_not_in "$scratch/log" "$complaints"
done
