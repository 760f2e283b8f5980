#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# However the tool ends, no process of the machine is left.
. "$(dirname "$0")/common.sh"

# Machines of this test alone are found by their memory directory.
memory=$scratch/memory
mkdir "$memory"
left() { grep -lsaF "$memory" /proc/[0-9]*/environ 2>/dev/null | grep -v "^/proc/$$/" || true; }

start() {
  : >"$scratch/out"
  # A script's background jobs ignore SIGINT; this one is to take it as in a terminal.
  KCOVTOOL_MEMORY=$memory env --default-signal=INT,TERM \
    "$kcovtool" lab run -- sh -c 'echo up; sleep 1000' >"$scratch/out" 2>"$scratch/err" &
  tool=$!
  for _ in $(seq 100); do
    [ ! -s "$scratch/out" ] || return 0
    sleep 0.1
  done
  fail "the command did not start"
}

expect_none_left() {
  for _ in $(seq 50); do
    [ -n "$(left)" ] || return 0
    sleep 0.1
  done
  fail "$1: processes are left: $(left)"
}

for expected in INT:130 TERM:143 KILL:137; do
  start
  kill -"${expected%:*}" "$tool"
  status=0
  wait "$tool" || status=$?
  [ "$status" = "${expected#*:}" ] || fail "status $status after SIG${expected%:*}"
  [ "${expected%:*}" = KILL ] || expect_in "$scratch/err" "interrupted"
  expect_none_left "SIG${expected%:*}"
  [ -z "$(ls -A "$memory")" ] || fail "the machine's directory is left after SIG${expected%:*}"
done

# A machine that does not react: the third ends it, whatever the command was asked.
mkfifo "$scratch/ready"
KCOVTOOL_MEMORY=$memory "$kcovtool" trace -o "$scratch/run.kcov" -- sh -c 'echo up; sleep 1000' \
  >"$scratch/ready" 2>"$scratch/err" &
tool=$!
read -r _ <"$scratch/ready"
for process in $(left); do
  [ "$(readlink "${process%/environ}/exe")" = "$(readlink -f "$kcovtool")" ] || kill -STOP "$(basename "$(dirname "$process")")"
done
for _ in 1 2 3; do
  kill -0 $tool || fail "it did not wait"
  kill -TERM $tool
  sleep 0.5
done
status=0
wait $tool || status=$?
[ $status = 143 ] || fail "status $status after the third SIGTERM"
expect_in "$scratch/err" "interrupted" "what was recorded until then is in"
expect_none_left "the third SIGTERM"

# Killed when its machine has ended by itself, and it waits for whoever reads the log.
mkfifo "$scratch/log"
KCOVTOOL_MEMORY=$memory "$kcovtool" lab run --log "$scratch/log" -- true >"$scratch/out" 2>"$scratch/err" &
tool=$!
for _ in $(seq 100); do
  [ "$(cat "/proc/$tool/task/$tool/children")" != "" ] || [ -z "$(ls -A "$memory")" ] || break
  sleep 0.1
done
[ -n "$(ls -A "$memory")" ] || fail "the tool did not wait for the log's reader"
kill -KILL "$tool"
wait "$tool" || true
expect_none_left "SIGKILL at the end"
[ -z "$(ls -A "$memory")" ] || fail "the machine's directory is left after SIGKILL at the end"

# A limit of files' sizes is an error like a full disk, and nothing half-written stays.
status=0
(cd "$scratch" && ulimit -f 400 && "$kcovtool" trace --on x86_64 --json -o big -- true 2>"$scratch/err") || status=$?
[ "$status" = 125 ] || fail "status $status under a limit of files' sizes"
expect_in "$scratch/err" "cannot write big: File too large"
(cd "$scratch" && ulimit -f 400 && "$kcovtool" lab run -- true 2>"$scratch/err") && fail "the machine's memory fits into 400 KiB?"
expect_in "$scratch/err" "File too large"
[ -z "$(find "$scratch" -name '.kcovtool*')" ] || fail "a half-written file is left"
