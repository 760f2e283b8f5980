#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Four CPUs run instrumented code, and modules come and go, while the kernel's calls of the
# callbacks are made and unmade.
. "$(dirname "$0")/common.sh"

value() { sed -n "s/^$1: //p" "$scratch/out"; }
on_x86_64() { "$kcovtool" lab run --machine x86_64 --hang-timeout 120 --log "$scratch/log" "$@"; }
# Not a word of complaint in the log.
clean() { ! grep -E 'BUG|Oops|WARNING|general protection|invalid opcode|kcov: [0-9]+ calls' "$scratch/log" || fail "the kernel complains"; }

expect_status 0 on_x86_64 -- cat /sys/kernel/debug/kcov_sites
expect_in "$scratch/out" "state: dormant" "tracers: 0" "modules: 0" "left_alone: 0"
vmlinux=$("$kcovtool" lab list | sed -n 's/^\* x86_64 ours [^ ]* \([^ ]*\) .*/\1/p')
calls=$(objdump -d --no-show-raw-insn "$vmlinux" | grep -cE '\bcall +[0-9a-f]+ <__sanitizer_cov_trace_(pc|const_cmp[1248]|cmp[1248]|switch)>$')
sites=$(value sites)
# objdump loses its way for some instructions after prefixes that stand alone (start_thread).
[ "$sites" -ge "$calls" ] && [ "$sites" -lt $((calls + 20)) ] || fail "$sites sites, $calls calls in the image"

module=$(dirname "$vmlinux")/modules/fs/binfmt_misc.ko
expect_status 0 on_x86_64 --cpus 4 -- "$KCOV_BUILD/lab_dormancy" 8 1 "$module"
expect_in "$scratch/out" "modules: 1" "left_alone: 0"
[ "$(value sites)" -gt "$sites" ] || fail "the module has no sites"
[ "$(value changes)" -ge 16 ] || fail "$(value changes) changes"
clean
# With others that trace, too.
expect_status 0 on_x86_64 --cpus 4 -- "$KCOV_BUILD/lab_dormancy" 30 3 "$module"
clean
