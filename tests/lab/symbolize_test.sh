#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# kcovtool symbolize: names in order, and clear words for what is no PC.
. "$(dirname "$0")/common.sh"

on_kernel -- "$KCOV_BUILD/first" >"$scratch/pcs"
expect_status 0 "$kcovtool" symbolize "$scratch/pcs"
cp "$scratch/out" "$scratch/names"
"$kcovtool" symbolize <"$scratch/pcs" | diff - "$scratch/names" || fail "- and FILE differ"
"$kcovtool" symbolize - <"$scratch/pcs" | diff - "$scratch/names" || fail "- and FILE differ"
# In the order given, as often as given.
tac "$scratch/pcs" | cat - "$scratch/pcs" | "$kcovtool" symbolize | diff - <(tac "$scratch/names"; cat "$scratch/names") ||
  fail "not in order"

printf '0x60000000\n0xzz\n' >"$scratch/bad"
expect_status 125 "$kcovtool" symbolize "$scratch/bad"
expect_in "$scratch/err" "$scratch/bad" "2" "0xzz"
[ ! -s "$scratch/out" ] || fail "half an answer"
expect_status 125 "$kcovtool" symbolize /nonexistent
expect_in "$scratch/err" "/nonexistent"
expect_status 125 "$kcovtool" symbolize --vmlinux /etc/passwd "$scratch/pcs"
expect_in "$scratch/err" "/etc/passwd"
[ "$(echo 0x10 | "$kcovtool" symbolize 2>"$scratch/err")" = "0x10 ?" ] || fail "a PC of nothing was named"
[ -z "$("$kcovtool" symbolize </dev/null)" ] || fail "an empty list"

# Half of the input is no input, and the first signal ends it, wherever it waits.
expect_status 125 sh -c "'$kcovtool' symbolize </tmp"
expect_in "$scratch/err" "cannot read standard input: Is a directory"
mkfifo "$scratch/fifo"
for expected in TERM:143 INT:130; do
  (exec 9>"$scratch/fifo"; cat "$scratch/pcs" >&9; sleep 1.5) &
  status=0
  env --default-signal=INT timeout --foreground --preserve-status -s "${expected%:*}" 1 "$kcovtool" symbolize \
    <"$scratch/fifo" >"$scratch/out" 2>"$scratch/err" || status=$?
  wait
  [ "$status" = "${expected#*:}" ] || fail "status $status after SIG${expected%:*} in the midst of the input"
  [ ! -s "$scratch/out" ] || fail "an answer to half of the input"
  [ "$(cat "$scratch/err")" = "kcovtool: interrupted" ] || fail "$(cat "$scratch/err")"
done
for _ in $(seq 2000); do cat "$scratch/pcs"; done >"$scratch/many"
(
  status=0
  timeout --foreground --preserve-status -s TERM 3 "$kcovtool" symbolize "$scratch/many" 2>"$scratch/err" || status=$?
  echo $status >"$scratch/status"
) | (sleep 5; cat) >/dev/null
[ "$(cat "$scratch/status")" = 143 ] || fail "status $(cat "$scratch/status") with a reader who waits"
expect_not_in "$scratch/err" 'Interrupted system call'

# A reader who goes, or a full disk, whatever the number of PCs; memory that does not suffice.
for list in "$scratch/pcs" "$scratch/many"; do
  status=0
  (sleep 0.5; "$kcovtool" symbolize "$list" 2>"$scratch/err"; echo $? >"$scratch/status") | true || true
  [ "$(cat "$scratch/status")" = 141 ] || fail "status $(cat "$scratch/status") when the reader has gone"
  [ ! -s "$scratch/err" ] || fail "$(cat "$scratch/err")"
  expect_status 125 sh -c "'$kcovtool' symbolize '$list' >/dev/full"
  [ "$(cat "$scratch/err")" = "kcovtool: cannot write to standard output: No space left on device" ] ||
    fail "$(cat "$scratch/err")"
done
vmlinux=$("$kcovtool" lab list | sed -n 's/^\* um ours [^ ]* \([^ ]*\) .*/\1/p')
for mib in 60 80 100 120 140 160; do
  status=0
  (ulimit -v $((mib * 1024)) && KCOVTOOL_CACHE=$scratch/cache "$kcovtool" symbolize \
    --vmlinux "$vmlinux" "$scratch/many" >"$scratch/out" 2>"$scratch/err") || status=$?
  [ "$status" -lt 126 ] || fail "status $status with $mib MiB: $(cat "$scratch/err")"
done

# An image that is no file is refused at once.
expect_status 125 timeout 20 "$kcovtool" symbolize --vmlinux "$scratch/fifo" "$scratch/pcs"
expect_in "$scratch/err" "it is not a regular file"

# PCs of another kernel: that is said.
expect_status 0 "$kcovtool" symbolize "$scratch/pcs"
[ ! -s "$scratch/err" ] || fail "PCs of this very kernel are doubted"
expect_status 0 "$kcovtool" symbolize --stock "$scratch/pcs"
expect_in "$scratch/err" " of $(wc -l <"$scratch/pcs") PCs are none that kcov records in " "(--machine, --stock, --vmlinux)"
"$kcovtool" trace --raw -- true >"$scratch/all" 2>"$scratch/err"
expect_status 0 "$kcovtool" symbolize "$scratch/all"
[ ! -s "$scratch/err" ] || fail "PCs of this very kernel are doubted: $(cat "$scratch/err")"

vmlinux=$("$kcovtool" lab list | sed -n 's/^\* um ours [^ ]* \(.*vmlinux\) .*/\1/p')
objcopy --strip-debug "$vmlinux" "$scratch/stripped"
expect_status 0 "$kcovtool" symbolize --vmlinux "$scratch/stripped" "$scratch/pcs"
expect_in "$scratch/err" "has no debug information: functions only"
expect_in "$scratch/out" "ksys_read+0x"
