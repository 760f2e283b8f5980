#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# kcovtool trace: what people see, what programs read, what is never lost silently.
. "$(dirname "$0")/common.sh"

expect_status 0 "$kcovtool" trace -- cat /etc/hostname
expect_in "$scratch/out" "execve " "openat " "mmap " "exit_group " "page fault " \
  "on um, our kcov, Linux 6.12" "  ksys_read > fdget_pos" " > pipe_write"
# The report owns standard output; the command's goes to standard error.
[ "$(cat "$scratch/err")" = "$(cat /etc/hostname)" ] || fail "the command's output"
# In order of execution.
grep -nE '^(execve|exit_group) ' "$scratch/out" | head -n 1 | grep -q '^2:execve' || fail "execve is not first"
grep -E '^[a-z]' "$scratch/out" | grep -v "^on um\|system calls," | tail -n 1 | grep -q '^exit_group' || fail "exit_group is not last"
expect_not_in "$scratch/out" 'dropped|not traced'

# With -o the streams are the command's own.
expect_status 3 "$kcovtool" trace -o "$scratch/report" -- sh -c 'echo mine; exit 3'
[ "$(cat "$scratch/out")" = mine ] || fail "-o: standard output is not the command's"
expect_in "$scratch/report" "execve "
expect_status 125 "$kcovtool" trace -o /nonexistent/report -- true
expect_in "$scratch/err" "cannot write /nonexistent/report: No such file or directory"

# A pipe or a device is written to, not replaced.
mkfifo "$scratch/fifo"
cat "$scratch/fifo" >"$scratch/from_fifo" &
"$kcovtool" trace --raw -o "$scratch/fifo" -- true
wait
[ -p "$scratch/fifo" ] && [ -s "$scratch/from_fifo" ] || fail "-o replaced a pipe"

# Machine-readable.
"$kcovtool" trace --raw -- true >"$scratch/raw" 2>/dev/null
[ "$(grep -cvE '^0x[0-9a-f]+$' "$scratch/raw")" = 0 ] || fail "--raw: something that is no PC"
[ "$(wc -l <"$scratch/raw")" -gt 1000 ] || fail "--raw: too few PCs"
expect_status 0 "$kcovtool" trace --json -- true
expect_in "$scratch/out" '"kind": "system call"' '"name": "execve"' '"dropped": 0' '"function": "__se_sys_execve"'

# A buffer that is too small: how many records did not fit.
expect_status 0 "$kcovtool" trace --buffer 4096 -- true
expect_in "$scratch/out" "records dropped: the buffer of 4095 PCs was full"
all=$(wc -l <"$scratch/raw")
dropped=$(sed -n 's/^\([0-9]*\) records dropped.*/\1/p' "$scratch/out")
# Nearly the same run: page faults vary by a few.
[ $((dropped + 4095)) -gt $((all * 8 / 10)) ] && [ $((dropped + 4095)) -lt $((all * 12 / 10)) ] ||
  fail "dropped $dropped of a run of about $all"
expect_status 0 "$kcovtool" trace --stock --buffer 4096 -- true
expect_in "$scratch/out" "an unknown number of records was dropped"

# Other tasks are said to be there.
expect_status 0 "$kcovtool" trace -- sh -c '/bin/true; /bin/true; exit 0'
expect_in "$scratch/out" "2 processes or threads started by the command were not traced"

# Signals are entries of their own.
expect_status 0 "$kcovtool" trace -- sh -c 'trap : USR1; kill -USR1 $$; exit 0'
grep -q '^signal ' "$scratch/out" || fail "no signal was shown"
grep -q '^rt_sigreturn ' "$scratch/out" || fail "the return from the signal was not shown"

# What cannot be run.
expect_status 127 "$kcovtool" trace -- no-such-program
expect_status 126 "$kcovtool" trace -- /etc/passwd
expect_status 2 "$kcovtool" trace --on nowhere -- true
expect_status 2 "$kcovtool" trace
expect_status 139 "$kcovtool" trace -- sh -c 'kill -SEGV $$'

# Another build's image: PCs rather than wrong names.
stock=$("$kcovtool" lab list --json | tr -d '\n' | grep -o '{[^}]*}' | grep '"variant": "stock"' |
  sed 's/.*"vmlinux": "\([^"]*\)".*/\1/' | tail -n 1)
expect_status 0 "$kcovtool" trace --vmlinux "$stock" -- true
expect_in "$scratch/err" "is not the kernel that ran (its build-id is "
head -n 1 "$scratch/out" | grep -qE '^0x[0-9a-f]+$' || fail "names in spite of another build"
objcopy --strip-debug "$stock" "$scratch/stripped"
expect_status 0 "$kcovtool" trace --stock --vmlinux "$scratch/stripped" -- true
expect_in "$scratch/err" "has no debug information: PCs only"
