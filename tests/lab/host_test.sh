#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# --on host: a program linked with kcov_host is traced without its knowing.
. "$(dirname "$0")/common.sh"

program=$KCOV_BUILD/tests/host/kcov_host_innocent
status=0
"$program" >"$scratch/plain" 2>&1 || status=$?

expect_status $status "$kcovtool" trace --on host -- "$program"
expect_in "$scratch/out" "kcov_host_innocent " "on the program's own kcov"
cmp "$scratch/plain" "$scratch/err" || fail "the program's output is not its own"
expect_status $status "$kcovtool" trace --on host --raw -- "$program"
[ "$(grep -cvE '^0x[0-9a-f]+$' "$scratch/out")" = 0 ] || fail "--raw: something that is no PC"
[ -s "$scratch/out" ] || fail "no PCs"
expect_status $status "$kcovtool" trace --on host --json -- "$program"
expect_in "$scratch/out" '"symbol": "main"' '"dropped": 0'

expect_status 125 "$kcovtool" trace --on host -- true
expect_in "$scratch/err" "true has no kcov: link it with kcov_host"
expect_status 127 "$kcovtool" trace --on host -- no-such-program
expect_status 126 "$kcovtool" trace --on host -- /etc/passwd
expect_status 127 "$kcovtool" trace --on host -- /etc/passwd/program

# A script without "#!"; SIGCHLD inherited as ignored.
printf 'exec "$@"\n' >"$scratch/bare"
chmod +x "$scratch/bare"
expect_status $status "$kcovtool" trace --on host -- "$scratch/bare" "$program"
expect_status $status env --ignore-signal=CHLD "$kcovtool" trace --on host -- "$program"

# Ended, it leaves nothing running.
status=0
timeout -s TERM 1 "$kcovtool" trace --on host -- sleep 777.5 >"$scratch/out" 2>"$scratch/err" || status=$?
[ "$status" = 124 ] || fail "status $status after SIGTERM"
sleep 0.3
! grep -lsz '^777.5$' /proc/[0-9]*/cmdline || fail "the program is still running"

# A program that cuts the trace file short gets nowhere.
expect_status 125 "$kcovtool" trace --on host -- sh -c ': >/proc/self/fd/3; exit 0'
