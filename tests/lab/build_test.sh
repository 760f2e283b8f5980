#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# lab build: nothing is built twice, nothing half-made stays, and a tree that does not fit
# is refused with the reason and left as it is.
. "$(dirname "$0")/common.sh"

expect_status 0 "$kcovtool" lab build
expect_in "$scratch/out" "up to date: um ours 6.12"
# Though somebody builds another.
(
  cache=${KCOVTOOL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kcovtool}
  exec 9>>"$cache/build.lock"
  flock -n 9 || true
  timeout 30 "$kcovtool" lab build 9>&- >"$scratch/out" 2>&1
) || fail "it waits for a build of another: $(cat "$scratch/out")"
expect_status 0 "$kcovtool" lab list --json
expect_in "$scratch/out" '"machine": "um"' '"variant": "ours"' '"release": "6.12' '"build_id": "' '/vmlinux"'

export KCOVTOOL_CACHE=$scratch/cache
expect_status 0 "$kcovtool" lab list
expect_in "$scratch/out" "no kernel has been built: run kcovtool lab build"

expect_status 125 "$kcovtool" lab build --source /nonexistent
expect_in "$scratch/err" "cannot use /nonexistent as kernel source"
expect_status 2 "$kcovtool" lab build --machine vax
expect_in "$scratch/err" 'there is no machine "vax": try one of um, '

# A tree of a series without a port.
mkdir "$scratch/other"
printf '# x\nVERSION = 5\nPATCHLEVEL = 4\n' >"$scratch/other/Makefile"
expect_status 125 "$kcovtool" lab build --source "$scratch/other"
expect_in "$scratch/err" "it is Linux 5.4, and there is a port for 6.1, 6.12 only"

# A tree of the right series in which an anchor is gone, or there twice.
tree=$scratch/tree
mkdir -p "$tree/arch/x86/um" "$tree/arch/um/drivers"
printf '# x\nVERSION = 6\nPATCHLEVEL = 12\n' >"$tree/Makefile"
sum() { (cd "$tree" && find . -type f -exec md5sum {} + | sort | md5sum); }
for text in 'SIZE = 12;' 'SIZE = 2696; SIZE = 2696;'; do
  echo "$text" >"$tree/arch/x86/um/user-offsets.c"
  before=$(sum)
  expect_status 125 "$kcovtool" lab build --source "$tree"
  expect_in "$scratch/err" 'the edit "um-register-buffer" does not fit arch/x86/um/user-offsets.c: expected' \
    'exactly once, found it' 'nothing was changed'
  [ "$(sum)" = "$before" ] || fail "the tree was touched"
done

nothing_half_made() {
  [ ! -e "$KCOVTOOL_CACHE/work" ] || fail "a work directory is left"
  [ -z "$(find "$KCOVTOOL_CACHE" -name vmlinux -o -name kernel.json)" ] || fail "a half-made kernel is left"
}
nothing_half_made

# Interrupted in the midst of unpacking.
status=0
env --default-signal=INT timeout --foreground -s INT 3 "$kcovtool" lab build >"$scratch/out" 2>"$scratch/err" || status=$?
[ "$status" = 130 ] || [ "$status" = 124 ] || fail "status $status after Ctrl-C"
expect_in "$scratch/err" "interrupted; removing $KCOVTOOL_CACHE/work"
[ "$(tail -n 1 "$scratch/err")" = "kcovtool: interrupted" ] || fail "not in words: $(tail -n 1 "$scratch/err")"
nothing_half_made

# Killed outright: what it had started ends, and the next build begins with an empty
# directory. Until then that one waits, and says so.
env --default-signal=INT "$kcovtool" lab build >/dev/null 2>&1 &
job=$!
for _ in $(seq 300); do [ ! -e "$KCOVTOOL_CACHE/work/tree/Makefile" ] || break; sleep 0.1; done
status=0
env --default-signal=INT timeout --foreground -s INT 2 "$kcovtool" lab build >"$scratch/out" 2>"$scratch/err" || status=$?
expect_in "$scratch/err" "waiting for another build in $KCOVTOOL_CACHE" "kcovtool: interrupted"
kill -KILL $job
wait $job || true
flock -w 20 "$KCOVTOOL_CACHE/build.lock" true || fail "the lock is held by what was killed"
! grep -lsaF "$KCOVTOOL_CACHE/work" /proc/[0-9]*/cmdline || fail "a part of the build is still running"
mkdir "$KCOVTOOL_CACHE/work/tree/left"
status=0
env --default-signal=INT timeout --foreground -s INT 3 "$kcovtool" lab build >"$scratch/out" 2>"$scratch/err" || status=$?
expect_in "$scratch/err" "interrupted"
nothing_half_made

# A cache that cannot be written.
expect_status 125 env KCOVTOOL_CACHE=/proc/nowhere "$kcovtool" lab build
expect_in "$scratch/err" "cannot write to the kernel cache /proc/nowhere"
