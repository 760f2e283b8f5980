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
