#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# While nobody traces the kernel's calls of the callbacks are not made; the first one who does
# finds them made, all of them, each time.
. "$(dirname "$0")/common.sh"

on_um() { "$kcovtool" lab run "$@"; }
value() { sed -n "s/^$1: //p" "$2"; }

# From the start on, every call that the image has, 4 bytes each.
expect_status 0 on_um -- cat /sys/kernel/debug/kcov_sites /sys/kernel/debug/kcov_sleep_after
cp "$scratch/out" "$scratch/sites"
expect_in "$scratch/sites" "state: dormant" "tracers: 0" "left_alone: 0" "changes: 1"
[ "$(tail -n 1 "$scratch/sites")" = 10000 ] || fail "it sleeps after $(tail -n 1 "$scratch/sites") ms"
vmlinux=$("$kcovtool" lab list | sed -n 's/^\* um ours [^ ]* \([^ ]*\) .*/\1/p')
calls=$(objdump -d --no-show-raw-insn "$vmlinux" | grep -cE '\bcall +[0-9a-f]+ <__sanitizer_cov_trace_(pc|const_cmp[1248]|cmp[1248]|switch)>$')
[ "$(value sites "$scratch/sites")" = "$calls" ] ||
  fail "$(value sites "$scratch/sites") sites, $calls calls in the image"
[ "$(value table_bytes "$scratch/sites")" = $((4 * calls)) ] || fail "$(value table_bytes "$scratch/sites") bytes"

# A machine that traces is awake from its start on. And others while somebody traces, and after it.
expect_status 0 "$kcovtool" trace -o "$scratch/run.kcov" -- cat /sys/kernel/debug/kcov_sites
expect_in "$scratch/out" "state: awake" "tracers: 1" "changes: 0"
expect_status 0 on_um -- "$KCOV_BUILD/lab_dormancy" 300
expect_in "$scratch/out" "left_alone: 0"
[ "$(value changes "$scratch/out")" -ge 600 ] || fail "$(value changes "$scratch/out") changes"

# The kernel's own option, and one that is none.
expect_status 0 on_um --kernel-arguments kcov_sleep_after=never -- cat /sys/kernel/debug/kcov_sites /sys/kernel/debug/kcov_sleep_after
expect_in "$scratch/out" "state: awake" "changes: 0" "never"
expect_status 0 on_um --kernel-arguments kcov_sleep_after=soon --log "$scratch/log" -- cat /sys/kernel/debug/kcov_sleep_after
expect_in "$scratch/log" "kcov_sleep_after=soon is neither milliseconds nor never"
expect_in "$scratch/out" 10000

# With it and without it the rules are the same.
for after in 0 never; do
  expect_status 0 on_um --kernel-arguments "kcov_sleep_after=$after" --log "$scratch/log" -- "$KCOV_BUILD/kcov_conformance_kernel"
  expect_in "$scratch/out" " 0 failed"
done

# A stock kernel has nothing of the kind.
expect_status 1 on_um --stock -- cat /sys/kernel/debug/kcov_sites
