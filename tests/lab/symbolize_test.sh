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
[ "$(echo 0x10 | "$kcovtool" symbolize)" = "0x10 ?" ] || fail "a PC of nothing was named"
[ -z "$("$kcovtool" symbolize </dev/null)" ] || fail "an empty list"

vmlinux=$("$kcovtool" lab list | sed -n 's/^\* um ours [^ ]* \(.*vmlinux\) .*/\1/p')
objcopy --strip-debug "$vmlinux" "$scratch/stripped"
expect_status 0 "$kcovtool" symbolize --vmlinux "$scratch/stripped" "$scratch/pcs"
expect_in "$scratch/err" "has no debug information: functions only"
expect_in "$scratch/out" "ksys_read+0x"
