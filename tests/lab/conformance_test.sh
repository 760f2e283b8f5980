#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The contract, rule by rule, on our kernel and on the stock one; and not a word of
# complaint in the kernels' logs but for the warnings that rules ask for.
. "$(dirname "$0")/common.sh"

complaints='BUG|Oops|scheduling while atomic|Unable to handle|general protection|epollctl|overlayfs|Failed to|suspicious RCU|possible circular locking|possible recursive locking'
for variant in "" --stock; do
  status=0
  # shellcheck disable=SC2086
  on_kernel $variant --log "$scratch/log" -- "$KCOV_BUILD/kcov_conformance_kernel" $variant \
    >"$scratch/rules" 2>&1 || status=$?
  [ "$status" = 0 ] || { cat "$scratch/rules" >&2; tail -n 20 "$scratch/log" >&2; fail "rules on the kernel ${variant:-ours}"; }
  expect_in "$scratch/rules" " rules, 0 failed"
  for rule in $(seq -w 1 39); do
    grep -q "^ok   $rule " "$scratch/rules" || fail "rule $rule has no test"
  done
  expect_in "$scratch/log" "Linux version 6.12"
  expect_not_in "$scratch/log" "$complaints"
  grep -E 'WARNING: ' "$scratch/log" | grep -v 'at kernel/kcov' >"$scratch/others" || true
  expect_not_in "$scratch/others" .
  mkdir -p "$KCOV_BUILD/conformance"
  cp "$scratch/rules" "$KCOV_BUILD/conformance/um-$([ -n "$variant" ] && echo stock || echo ours)"
done
