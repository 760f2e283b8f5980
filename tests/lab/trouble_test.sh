#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# A kernel that panics or hangs is an error with the end of its log, never a silent zero.
. "$(dirname "$0")/common.sh"

expect_status 125 on_kernel -- sh -c 'echo c >/proc/sysrq-trigger'
expect_in "$scratch/err" "kcovtool: the machine died while the command ran; the end of its kernel's log:" \
  "Kernel panic"

# A machine that stands still: stopped from outside, it says nothing any more.
memory=$scratch/memory
mkdir "$memory"
KCOVTOOL_MEMORY=$memory "$kcovtool" lab run --hang-timeout 3 -- sh -c 'echo up; sleep 1000' \
  >"$scratch/out" 2>"$scratch/err" &
job=$!
for _ in $(seq 100); do [ ! -s "$scratch/out" ] || break; sleep 0.1; done
for pid in $(grep -lsaF "TMPDIR=$memory" /proc/[0-9]*/environ | cut -d/ -f3); do
  kill -STOP "$pid" 2>/dev/null || true
done
status=0
wait $job || status=$?
[ "$status" = 125 ] || fail "status $status for a hung machine"
expect_in "$scratch/err" "has said nothing for 3 seconds"

# But the tool standing still is no silence of the machine's.
: >"$scratch/out"
"$kcovtool" lab run --hang-timeout 3 -- sh -c 'echo up; sleep 2; exit 4' >"$scratch/out" 2>"$scratch/err" &
job=$!
for _ in $(seq 100); do [ ! -s "$scratch/out" ] || break; sleep 0.1; done
kill -STOP $job
sleep 5
kill -CONT $job
status=0
wait $job || status=$?
[ "$status" = 4 ] || { cat "$scratch/err" >&2; fail "status $status of a tool that was stopped"; }

# A busy machine is no hung one.
expect_status 0 on_kernel --hang-timeout 3 -- sh -c 'i=0; end=$(($(date +%s) + 4)); while [ $(date +%s) -lt $end ]; do i=$((i+1)); done'

# Nor is one that takes its time to boot, as its log shows.
expect_status 0 "$kcovtool" lab run --machine x86_64 --hang-timeout 5 -- true

# No room for its memory.
expect_status 125 env KCOVTOOL_MEMORY=/proc "$kcovtool" lab run --memory 65536 -- true
expect_in "$scratch/err" "cannot find 65536 MiB for the machine's memory" "/proc is"

# A damaged kernel.
mkdir -p "$scratch/cache/kernels/um-ours-x"
ln -s um-ours-x "$scratch/cache/kernels/current-um-ours"
echo '{' >"$scratch/cache/kernels/um-ours-x/kernel.json"
expect_status 125 env KCOVTOOL_CACHE="$scratch/cache" "$kcovtool" lab run -- true
expect_in "$scratch/err" "is damaged: remove that directory and run kcovtool lab build"

# Nor is one whose command takes a few bytes now and then and says nothing.
(for _ in $(seq 10); do echo line; sleep 0.5; done) | on_kernel --hang-timeout 3 -- sh -c 'cat >/dev/null' ||
  fail "a quiet reader was taken for dead"

# What cannot be written in the end is said before the command runs.
mkdir "$scratch/directory"
expect_status 125 "$kcovtool" trace -o "$scratch/directory" -- echo it ran
expect_in "$scratch/err" "cannot write $scratch/directory: Is a directory"
expect_not_in "$scratch/out" "it ran"
expect_status 125 "$kcovtool" trace -o /no/such/file -- echo it ran
expect_in "$scratch/err" "cannot write /no/such/file: No such file or directory"
expect_status 125 on_kernel --log "$scratch/directory" -- echo it ran
expect_not_in "$scratch/out" "it ran"

# An empty name is no command's.
expect_status 127 on_kernel -- ''

# A command line that ends where the command should begin.
expect_status 2 "$kcovtool" trace --
expect_in "$scratch/err" "command is required"
