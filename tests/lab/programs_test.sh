#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Whole programs: every thread and child is traced, whatever the program is, on our kernel
# and on the stock one, and none of them notices.
. "$(dirname "$0")/common.sh"

family=$(dirname "$0")/family.c
gcc -O1 -pthread -o "$scratch/family" "$family"
gcc -O1 -pthread -static -o "$scratch/family_static" "$family"

# count NAME: lines of the report that begin with it.
count() { grep -c "^$1 " "$scratch/out" || true; }

for kernel in "" --stock "--on x86_64"; do
  for program in family family_static; do
    # shellcheck disable=SC2086
    expect_status 7 "$kcovtool" trace $kernel --full -- "$scratch/$program"
    expect_in "$scratch/err" end
    [ "$(count process) $(count thread)" = "11 8" ] || fail "$program $kernel: $(count process) processes, $(count thread) threads"
    [ "$(count getppid) $(count getuid) $(count getgid)" = "800 5 5" ] ||
      fail "$program $kernel: getppid $(count getppid), getuid $(count getuid), getgid $(count getgid)"
    # What ptrace adds is no part of the calls.
    expect_not_in "$scratch/out" '^\(tracer\)|ptrace_(stop|notify)|dropped|not traced'
    expect_in "$scratch/out" "19 tasks; "
  done
done

# A child's calls are the same as when its program is traced alone.
calls_of() { sed -n "\\|^  runs $1|,/^\$/p" "$scratch/out" | awk '/^[a-z]/ && $1 != "page" && $1 != "on" { print $1 }'; }
expect_status 0 "$kcovtool" trace -- sh -c '/bin/true; exit 0'
calls_of /bin/true >"$scratch/child"
"$kcovtool" trace -- /bin/true >"$scratch/out" 2>"$scratch/err"
awk '/^[a-z]/ && $1 != "page" && $1 != "entry" && $1 != "execve" && $1 != "on" { print $1 }' "$scratch/out" >"$scratch/alone"
[ "$(wc -l <"$scratch/alone")" -gt 20 ] && diff "$scratch/alone" "$scratch/child" >&2 || fail "a child's calls differ from those of the program alone"

# It finds its files, its signals and its registers as if nobody were there.
# shellcheck disable=SC2016
look='(ls -l /proc/self/fd | sed "s/.* \([0-9]* -> \)/\1/; s/[[/][0-9]*//g"; grep -E "Sig(Blk|Ign|Cgt)" /proc/self/status; ulimit -n) 2>&1'
"$kcovtool" lab run -- sh -c "$look" >"$scratch/plain"
"$kcovtool" trace -o "$scratch/report" -- sh -c "$look" >"$scratch/traced"
diff "$scratch/plain" "$scratch/traced" >&2 || fail "a child sees that it is traced"

# Statuses, signals, stops.
expect_status 143 "$kcovtool" trace -- sh -c '(sleep 0.2; kill -TERM $$) & sleep 1000; wait'
expect_status 4 "$kcovtool" trace -- sh -c 'sleep 1000 & kill -STOP $!; sleep 0.1; kill -CONT $!; kill -USR1 $!; wait $!; [ $? = 138 ] && exit 4'

# What the command leaves running ends with it, and is in the report.
expect_status 0 "$kcovtool" trace -- sh -c 'sleep 1000 & sleep 0.3; exit 0'
expect_in "$scratch/out" "  runs sleep 1000"

# A buffer that fills while its task runs is drained: there are more records than it holds.
expect_status 0 "$kcovtool" trace --buffer 262144 -- find /usr/include -type f
[ "$(sed -n 's/.*; \([0-9]*\) PCs, .*/\1/p' "$scratch/out")" -gt 524288 ] || fail "the buffer was not drained"
find /usr/include -type f | sort >"$scratch/expected"
sort "$scratch/err" | diff - "$scratch/expected" >&2 || fail "find's own output"

# Nor does a program notice by what it waits for: a stop sent to a child just made, a sleep in
# a call that Linux would not make again, a signal that ends such a sleep.
gcc -O1 -pthread -o "$scratch/unnoticed" "$(dirname "$0")/unnoticed.c"
for kernel in "" --stock "--on x86_64"; do
  for what in "stop 30" "epoll 20" signal; do
    # shellcheck disable=SC2086
    expect_status 0 timeout 60 "$kcovtool" trace $kernel --buffer 16384 -- "$scratch/unnoticed" $what
  done
done

# A shell that makes tasks all the time is stopped for that again and again, and drained all the
# same.
expect_status 0 "$kcovtool" trace --buffer 262144 -- sh -c 'i=0; while [ $i -lt 150 ]; do /bin/true; i=$((i+1)); done'
expect_in "$scratch/out" "151 tasks; "
expect_not_in "$scratch/out" "dropped"

# The buffers of many tasks leave memory for the tasks themselves.
expect_status 0 "$kcovtool" trace --memory 512 -- sh -c 'for i in $(seq 200); do sleep 2 & done; wait; echo all >&2'
expect_in "$scratch/err" all
# seq is one, too.
expect_in "$scratch/out" "202 tasks; "

# The buffers of a hundred tasks are large enough for all that each does in a moment.
expect_status 0 "$kcovtool" trace -o "$scratch/many.kcov" -- sh -c 'for i in $(seq 100); do sleep 2 & done; wait'
expect_not_in "$scratch/err" "dropped|not traced"
