#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The callbacks leave every register as it was but r11, whatever the task traces: compilers are
# told so (scripts/gcc-plugins/kcov_registers_plugin.c). They record what they were called with
# (contract 24, 27). And x86_64 is compiled by a compiler that was told.
. "$(dirname "$0")/common.sh"

# What /sys/kernel/debug/kcov_registers says when all is well.
expected() {
  local run call type
  for run in off pcs "pcs, full" comparisons "comparisons, full"; do
    type=0
    for call in pc cmp1 cmp2 cmp4 cmp8 const_cmp1 const_cmp2 const_cmp4 const_cmp8 switch; do
      printf '%s %s:' $call "$run"
      case "$run $call" in
        "pcs pc") printf ' pc +0;' ;;
        "comparisons switch")
          printf ' type 5 %s 99aabbccddeeff00 pc +0;' 5 7 ;;
        comparisons\ *cmp?)
          case $call in
            *1) operands="0 88" ;;
            *2) operands="ff00 7788" ;;
            *4) operands="ddeeff00 55667788" ;;
            *8) operands="99aabbccddeeff00 1122334455667788" ;;
          esac
          printf ' type %s %s pc +0;' $type "$operands"
          type=$((type + 2))
          [ $type != 8 ] || type=1  # constants
          ;;
        # Else it is not of this kind, or there is no room.
      esac
      echo " lost:"
    done
  done
}
expected >"$scratch/expected"

for machine in um x86_64; do
  expect_status 0 "$kcovtool" lab run --machine $machine -- cat /sys/kernel/debug/kcov_registers
  diff "$scratch/expected" "$scratch/out" >&2 || fail "$machine: a callback loses registers, or records something else"
done

# Registers that are saved, for each call of a callback, in the first MiB of a kernel's text.
pushes() {
  local vmlinux begin
  vmlinux=$("$kcovtool" lab list | sed -n "s/^\* x86_64 $1 [^ ]* \([^ ]*\) .*/\1/p")
  begin=0x$(nm "$vmlinux" | sed -n 's/ T _stext$//p')
  objdump -d --no-show-raw-insn --start-address="$begin" --stop-address=$((begin + (1 << 20))) "$vmlinux" |
    awk '/\tpush / { pushes++ } /<__sanitizer_cov_trace_/ { calls++ }
         END { if (!calls) exit 1; print int(1000 * pushes / calls) }'
}
# Ours sleeps, but in the image all calls are made.
ours=$(pushes ours)
stock=$(pushes stock)
[ "$ours" -lt $((stock * 85 / 100)) ] ||
  fail "the compiler saves $ours registers for 1000 calls, for stock's callbacks $stock: the plugin is without effect"
