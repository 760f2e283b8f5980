#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What our kcov adds to a kernel's image, against stock's: at most 24 KiB, and the table of the calls
# of its callbacks, 4 bytes each. And its build warned of nothing: neither the compilers nor objtool.
. "$(dirname "$0")/common.sh"

vmlinux() { # MACHINE VARIANT
  "$kcovtool" lab list | sed -n "s/^\* $1 $2 [^ ]* \(.*vmlinux\) build-id .*/\1/p"
}
bytes() { size "$1" | awk 'NR == 2 { print $4 }'; }

for machine in um x86_64; do
  ours=$(vmlinux $machine ours)
  stock=$(vmlinux $machine stock)
  table=$(nm "$ours" | awk '/ __start_kcov_sites$/ { begin = $1 } / __stop_kcov_sites$/ { end = $1 } END { print "$((0x" end " - 0x" begin "))" }')
  table=$(eval "echo $table")
  [ "$table" -gt 800000 ] || fail "the table of calls has $table bytes on $machine"
  more=$(($(bytes "$ours") - $(bytes "$stock") - table))
  echo "$machine: $more bytes more than stock's, and $table of the table"
  [ $more -le 24576 ] || fail "our kernel is $more bytes larger than stock's on $machine"
  log=$(dirname "$ours")/build.log
  expect_in "$log" "kernel/kcov/kcov.o"
  ! grep -E 'warning: objtool|kernel/kcov/.*warning' "$log" || fail "the build of $machine warned of something (above)"
done
