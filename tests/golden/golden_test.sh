#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Each way to show a recording, compared with the file of its name here. UPDATE=1 writes those.
. "$(dirname "$0")/../lab/common.sh"
golden=$here/../golden
run=$scratch/run.kcov
"$KCOV_BUILD/golden_recording" "$run"
# No kernel's source is to be found, and nobody's settings.
export KCOVTOOL_CACHE=$scratch/cache KCOVTOOL_PAGER=cat TERM=xterm NO_COLOR=
unset LESS PAGER
mkdir -p "$scratch/source/fs"
awk 'BEGIN { for (i = 1; i <= 800; ++i) print "\tstatement_" i "(); /* of fs/read_write.c */" }' >"$scratch/source/fs/read_write.c"

# expect NAME COMMAND...: standard output and then standard error are as in NAME.txt.
expect() {
  local name=$1 status=0
  shift
  "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
  [ $status = 0 ] || { cat "$scratch/err" >&2; fail "$name: exit status $status"; }
  { cat "$scratch/out"; sed "s|$scratch|SCRATCH|; s/^/stderr: /" "$scratch/err"; } >"$scratch/$name.txt"
  # Whatever is shown, nothing of it reaches a terminal as a command, but for colours.
  ! LC_ALL=C sed 's/\x1b\[[0-9;]*m//g' "$scratch/$name.txt" | LC_ALL=C grep -nP '[\x00-\x08\x0b-\x1f\x7f]' >&2 ||
    fail "$name: control characters"
  if [ -n "${UPDATE:-}" ]; then cp "$scratch/$name.txt" "$golden/$name.txt"; fi
  diff -u "$golden/$name.txt" "$scratch/$name.txt" >&2 || fail "$name is not as it was"
}
on_terminal() { python3 "$golden/on_terminal.py" "$@"; }

for view in text tree calls functions files; do
  expect $view "$kcovtool" show --$view "$run"
  expect $view-full "$kcovtool" show --$view --full "$run"
  for columns in 80 40; do
    expect $view-$columns on_terminal $columns 1000 "$kcovtool" show --$view --color never "$run"
    # A character may take two columns.
    python3 -c '
import sys, unicodedata
for line in open(sys.argv[1], encoding="utf-8"):
    if line.startswith("stderr: ") or ": the buffer of " in line or " system calls, " in line or "not traced" in line: continue
    width = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line.rstrip("\n"))
    if width > int(sys.argv[2]): sys.exit(f"{width} columns: {line}")' "$scratch/$view-$columns.txt" $columns || fail "$view is wider than $columns columns"
  done
done
expect source "$kcovtool" show --source --context 1 --source-dir "$scratch/source" "$run"
expect source-none "$kcovtool" show --source "$run"
expect source-40 on_terminal 40 1000 "$kcovtool" show --source --color never --source-dir "$scratch/source" "$run"
expect text-colour "$kcovtool" show --color always "$run"
expect tree-colour "$kcovtool" show --tree --color always "$run"

for view in text tree functions json; do
  expect only-$view "$kcovtool" show --$view --only "read,no such thing" "$run"
done

for none in "" , read,; do
  expect_status 2 "$kcovtool" show --only "$none" "$run"
  expect_in "$scratch/err" "a name in \"$none\" is empty"
done
# Not the next word: that is the recording.
expect_status 0 "$kcovtool" show --only read --only close "$run"

expect_status 2 "$kcovtool" show --tree --source "$run"
expect_status 2 "$kcovtool" show --source --source-dir "$scratch/none" "$run"
expect_status 2 "$kcovtool" show --color sometimes "$run"
expect_status 2 "$kcovtool" show --source --context -1 "$run"
