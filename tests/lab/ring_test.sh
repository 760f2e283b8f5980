#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What a busy command records on um comes through the machine's memory, and not over its line.
. "$(dirname "$0")/common.sh"
through_memory=$KCOV_BUILD/lab_through_memory

# Nothing is prepared for what is over in a moment.
"$through_memory" true >"$scratch/out"
read -r records through <"$scratch/out"
[ "$records" -gt 10000 ] || fail "true recorded $records PCs"
[ "$through" = 0 ] || fail "$through of $records PCs went through the memory"

"$through_memory" sh -c 'dd if=/dev/zero of=/dev/null bs=512 count=100000 2>/dev/null; ls / >/dev/null' >"$scratch/out"
read -r records through <"$scratch/out"
[ "$records" -gt 4000000 ] || fail "dd recorded $records PCs"
[ "$((through * 2))" -gt "$records" ] || fail "only $through of $records PCs went through the memory"

# Where that is a file on a disk it is the same.
mkdir "$scratch/memory"
KCOVTOOL_MEMORY=$scratch/memory "$through_memory" dd if=/dev/zero of=/dev/null bs=512 count=100000 >"$scratch/out" 2>"$scratch/err"
read -r records through <"$scratch/out"
[ "$((through * 2))" -gt "$records" ] || fail "only $through of $records PCs went through the memory, a file of $scratch"

# By way of a link, too.
ln -s "$scratch/memory" "$scratch/link"
KCOVTOOL_MEMORY=$scratch/link "$through_memory" dd if=/dev/zero of=/dev/null bs=512 count=100000 >"$scratch/out" 2>"$scratch/err"
read -r records through <"$scratch/out"
[ "$((through * 2))" -gt "$records" ] || fail "only $through of $records PCs went through the memory, behind a link"
