#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# lab run passes standard input, output and error through as bytes.
. "$(dirname "$0")/common.sh"

# 20 MB of any bytes, both ways.
head -c 20000000 /dev/urandom >"$scratch/sent"
on_kernel -- cat <"$scratch/sent" >"$scratch/received"
cmp "$scratch/sent" "$scratch/received" || fail "bytes were changed on the way"

# The two outputs stay apart.
expect_status 0 on_kernel -- sh -c 'echo to-out; echo to-err >&2'
[ "$(cat "$scratch/out")" = to-out ] || fail "standard output holds something else"
[ "$(cat "$scratch/err")" = to-err ] || fail "standard error holds something else"

# The end of input arrives, also when there is none.
[ "$(printf abc | on_kernel -- wc -c)" = 3 ] || fail "three bytes in, not three counted"
[ "$(on_kernel -- wc -c </dev/null)" = 0 ] || fail "no bytes in, not none counted"

# A command that does not read its input ends all the same.
yes | on_kernel -- true

# A reader that goes away ends the command, and the tool.
on_kernel -- yes | head -n 1 >"$scratch/out"
[ "$(cat "$scratch/out")" = y ] || fail "the first line did not arrive"

# What cannot be written is not lost silently.
expect_status 125 sh -c "'$kcovtool' lab run -- echo hi >/dev/full"
expect_in "$scratch/err" "cannot write the command's standard output: No space left on device"
expect_status 125 sh -c "'$kcovtool' lab list >/dev/full"
expect_in "$scratch/err" "kcovtool: "

expect_status 125 sh -c "'$kcovtool' --help >/dev/full"
expect_in "$scratch/err" "kcovtool: cannot write to standard output: No space left on device"
expect_status 125 sh -c "'$kcovtool' --version >/dev/full"

# What cannot be read is not taken for the end.
expect_status 125 sh -c "'$kcovtool' lab run -- cat </tmp"
expect_in "$scratch/err" "kcovtool: cannot read standard input: Is a directory"

# The end of a long output arrives also where the reader is slow.
for bytes in 100000 176000 180000 1000000; do
  [ "$(on_kernel -- head -c $bytes /dev/zero | (sleep 1; wc -c))" = $bytes ] || fail "the last of $bytes bytes"
done

# Closed streams are empty ones.
[ "$("$kcovtool" lab run -- echo hi <&-)" = hi ] || fail "with standard input closed"
"$kcovtool" lab run -- true >&- 2>&- || fail "with the outputs closed"
! "$kcovtool" lab run -- echo hi >&- 2>&- || fail "output to a closed stream was lost silently"

# What is preloaded for the command is not for the kernel, which is a program too.
LD_PRELOAD=$KCOV_BUILD/port/host/libkcov_preload.so expect_status 0 on_kernel -- sh -c 'echo "$LD_PRELOAD"'
expect_in "$scratch/out" "libkcov_preload.so"
