#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Processes that are killed while they fork, as fuzzers kill theirs: the machine lives on.
. "$(dirname "$0")/common.sh"
for flag in "" --stock; do
  # shellcheck disable=SC2086
  expect_status 0 on_kernel $flag -- bash -c '
    for i in $(seq 200); do
      (while :; do (:); done) &
      sleep 0.00$((RANDOM % 9))
      kill -9 $!
      wait $! 2>/dev/null
    done
    echo survived'
  expect_in "$scratch/out" survived
done
