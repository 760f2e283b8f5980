#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The callbacks leave every register as it was but r11, whatever the task traces: compilers are
# told so (scripts/gcc-plugins/kcov_registers_plugin.c). And code that is compiled so is there.
. "$(dirname "$0")/common.sh"

# What /sys/kernel/debug/kcov_registers says when all is well.
expected() {
  local run call records
  for run in off pcs "pcs, full" comparisons "comparisons, full"; do
    for call in pc cmp1 cmp2 cmp4 cmp8 const_cmp1 const_cmp2 const_cmp4 const_cmp8 switch; do
      case "$run $call" in
        "pcs pc") records=1 ;;
        "comparisons switch") records=2 ;;
        "comparisons cmp"* | "comparisons const_cmp"*) records=1 ;;
        *) records=0 ;;  # not of this kind, or full
      esac
      echo "$call $run: $records records, lost:"
    done
  done
}
expected >"$scratch/expected"

for machine in um x86_64; do
  expect_status 0 "$kcovtool" lab run --machine $machine -- cat /sys/kernel/debug/kcov_registers
  diff "$scratch/expected" "$scratch/out" >&2 || fail "$machine: a callback loses registers, or records"
done
