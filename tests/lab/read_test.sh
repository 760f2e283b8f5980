#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# read(-1, NULL, 0), the classic: names, files and lines; nothing of interrupts,
# scheduler or exit; the same sequence every time.
. "$(dirname "$0")/common.sh"

on_kernel -- "$KCOV_BUILD/first" >"$scratch/pcs"
"$kcovtool" symbolize "$scratch/pcs" >"$scratch/names"
expect_in "$scratch/names" "__se_sys_read fs/read_write.c:" "ksys_read fs/read_write.c:" \
  "fdget_pos fs/file.c:"
[ "$(wc -l <"$scratch/pcs")" = "$(wc -l <"$scratch/names")" ] || fail "a line for each PC"
[ "$(grep -v ' handle_syscall ' "$scratch/names" | head -n 1 | cut -d' ' -f2)" = __se_sys_read ] ||
  fail "the entry of read is not first"
expect_not_in "$scratch/names" 'irq|softirq|timer|tick|sched|do_exit|exit_|kcov'

# The C program sees the same as the C++ one.
on_kernel -- "$KCOV_BUILD/first_c" >"$scratch/pcs_c"
diff "$scratch/pcs" "$scratch/pcs_c" || fail "C and C++ differ"

# A hundred times, in one machine and in three more.
on_kernel -- sh -c "i=0; while [ \$i -lt 100 ]; do '$KCOV_BUILD/first' | md5sum; i=\$((i+1)); done" >"$scratch/sums"
for _ in 1 2 3; do on_kernel -- "$KCOV_BUILD/first" | md5sum >>"$scratch/sums"; done
[ "$(wc -l <"$scratch/sums")" = 103 ] || fail "not 103 runs"
[ "$(sort -u "$scratch/sums" | wc -l)" = 1 ] || fail "the sequence differs from run to run"
