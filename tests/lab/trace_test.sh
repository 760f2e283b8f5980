#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# kcovtool trace: what people see, what programs read, what is never lost silently.
. "$(dirname "$0")/common.sh"

expect_status 0 "$kcovtool" trace --full -- cat /etc/hostname
expect_in "$scratch/out" "execve " "openat " "mmap " "exit_group " "page fault " \
  "on um, our kcov, Linux 6.12" "  ksys_read > fdget_pos" " > pipe_write"
# The report owns standard output; the command's goes to standard error.
[ "$(cat "$scratch/err")" = "$(cat /etc/hostname)" ] || fail "the command's output"
# Lines of at most 100 columns when nobody asks for more.
"$kcovtool" trace -- true 2>/dev/null | awk 'length > 100 { exit 1 }' || fail "a line longer than 100"
# In order of execution.
grep -nE '^(execve|exit_group) ' "$scratch/out" | head -n 1 | grep -q '^2:execve' || fail "execve is not first"
grep -E '^[a-z]' "$scratch/out" | grep -v "^on um\|system calls," | tail -n 1 | grep -q '^exit_group' || fail "exit_group is not last"
expect_not_in "$scratch/out" 'dropped|not traced'

# With -o the streams are the command's own.
expect_status 3 "$kcovtool" trace --text -o "$scratch/report" -- sh -c 'echo mine; exit 3'
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

echo keep >"$scratch/app"
"$kcovtool" trace --text -o /dev/stdout -- echo mine >>"$scratch/app"
expect_in "$scratch/app" keep mine "execve "
(umask 077 && "$kcovtool" trace -o "$scratch/private" -- true)
[ "$(stat -c %a "$scratch/private")" = 600 ] || fail "-o ignores the umask"

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
kept=$(sed -n 's/^.*; \([0-9]*\) PCs, .*/\1/p' "$scratch/out")
# Nearly the same run: page faults vary by a few.
[ $((dropped + kept)) -gt $((all * 8 / 10)) ] && [ $((dropped + kept)) -lt $((all * 12 / 10)) ] ||
  fail "dropped $dropped of a run of about $all"
expect_status 0 "$kcovtool" trace --stock --buffer 4096 -- true
expect_in "$scratch/out" "an unknown number of records was dropped"

# Also where only programs read.
expect_status 0 "$kcovtool" trace --raw --buffer 4096 -- true
expect_in "$scratch/err" " records dropped: the buffer of 4095 PCs was full"
expect_status 0 "$kcovtool" trace --json --buffer 4096 -- true
expect_in "$scratch/err" " records dropped: the buffer of 4095 PCs was full"

# An image that cannot be read is found out before anything is run.
for image in /nonexistent/vmlinux /etc/passwd "$scratch/fifo"; do
  for format in --raw --json --full; do
    expect_status 125 timeout 20 "$kcovtool" trace $format --vmlinux "$image" -- echo ran
    expect_in "$scratch/err" "cannot read symbols from \"$image\""
    [ ! -s "$scratch/out" ] && [ "$(wc -l <"$scratch/err")" = 1 ] || fail "more than an error"
  done
done

# The first signal ends it while a reader keeps it waiting.
(
  status=0
  timeout --foreground --preserve-status -s TERM 4 "$kcovtool" trace --raw -- true 2>"$scratch/err" || status=$?
  echo $status >"$scratch/status"
) | (sleep 7; cat) >"$scratch/out"
[ "$(cat "$scratch/status")" = 143 ] || fail "status $(cat "$scratch/status") with a reader who waits"
expect_not_in "$scratch/err" 'Interrupted system call'

# -o makes what a link points to.
ln -s "$scratch/report2" "$scratch/link"
expect_status 0 "$kcovtool" trace --raw -o "$scratch/link" -- true
[ -L "$scratch/link" ] && [ -s "$scratch/report2" ] || fail "-o through a link that points to nothing"

# Signals are entries of their own.
expect_status 0 "$kcovtool" trace -- sh -c 'trap : USR1; kill -USR1 $$; exit 0'
grep -q '^signal ' "$scratch/out" || fail "no signal was shown"
grep -q '^rt_sigreturn ' "$scratch/out" || fail "the return from the signal was not shown"

# A fault without memory is not counted to the call before it.
cat >"$scratch/fault.c" <<'C'
#include <unistd.h>
#include <sys/syscall.h>
int main(void) { syscall(SYS_getpid); syscall(SYS_getppid); *(volatile int *)8 = 1; return 0; }
C
gcc -O1 -o "$scratch/fault" "$scratch/fault.c"
expect_status 139 "$kcovtool" trace -- "$scratch/fault"
[ "$(awk '$1 == "getppid" { print ($2 < 60) }' "$scratch/out")" = 1 ] || fail "the fault was counted to getppid"
grep -A1 '^getppid' "$scratch/out" | grep -q '^page fault' || fail "the fault is not shown"

# A call whose code is not instrumented is seen all the same; a loop in a call is one call.
cat >"$scratch/calls.c" <<'C'
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>
static void handler(int signal) { (void)signal; }
int main(void)
{
	syscall(SYS_getgid); sched_yield(); sched_yield(); syscall(SYS_getppid);
	signal(SIGALRM, handler); alarm(1); pause(); syscall(SYS_getuid);
	return 0;
}
C
gcc -O1 -static -o "$scratch/calls" "$scratch/calls.c"
expect_status 0 "$kcovtool" trace -- "$scratch/calls"
[ "$(sed -n '/^getgid/,/^getuid/p' "$scratch/out" | grep -v '^page fault' | awk '{ print $1 $2 }' | sed 's/[0-9]*$//' | tr '\n' ' ')" = \
  "getgid (notinstrumented) (notinstrumented) getppid rt_sigaction alarm pause signal rt_sigreturn getuid " ] ||
  fail "the program's calls are not those of the trace"

# --write goes through when tracing too.
mkdir "$scratch/w"
expect_status 0 "$kcovtool" trace --write "$scratch/w" -- sh -c "echo x >$scratch/w/file"
[ "$(cat "$scratch/w/file")" = x ] || fail "trace --write"

# Records that come faster than anything else does are all taken, and the command does not notice:
# it would get less than it reads, if it were stopped in the midst.
expect_status 0 "$kcovtool" trace -o "$scratch/fast.kcov" -- dd if=/dev/zero of=/dev/null bs=1M count=300
expect_in "$scratch/err" "300+0 records in"
expect_not_in "$scratch/err" "dropped"
expect_status 0 "$kcovtool" show --calls "$scratch/fast.kcov"
[ "$(awk '$1 == "read" { print ($2 > 300) }' "$scratch/out")" = 1 ] || fail "reads are missing"

# Tasks without end do not keep the tool from hearing of anything else.
cat >"$scratch/forks.c" <<'C'
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
int main(void) {
  signal(SIGCHLD, SIG_IGN);
  puts("up");
  fflush(stdout);
  for (;;) {
    if (fork() == 0) {
      for (int i = 0; i < 20; ++i)
        if (fork() == 0) _exit(0);
      _exit(0);
    }
    usleep(3000);
  }
}
C
gcc -O1 -o "$scratch/forks" "$scratch/forks.c"
"$kcovtool" trace --buffer 4096 --raw -o /dev/null -- "$scratch/forks" >"$scratch/out" 2>&1 &
tool=$!
for _ in $(seq 100); do ! grep -q up "$scratch/out" || break; sleep 0.1; done
sleep 1
kill -TERM $tool
for _ in $(seq 40); do kill -0 $tool 2>/dev/null || break; sleep 0.1; done
! kill -9 $tool 2>/dev/null || fail "the signal did not come through"
status=0
wait $tool || status=$?
[ $status = 143 ] || fail "status $status after SIGTERM"

# What cannot be run.
expect_status 127 "$kcovtool" trace -- no-such-program
expect_status 126 "$kcovtool" trace -- /etc/passwd
expect_status 2 "$kcovtool" trace --on nowhere -- true
expect_status 2 "$kcovtool" trace
expect_status 139 "$kcovtool" trace -- sh -c 'kill -SEGV $$'

# Another build's image: PCs rather than wrong names.
stock=$("$kcovtool" lab list --json | tr -d '\n' | grep -o '{[^}]*}' | grep '"current": true' |
  grep '"machine": "um"' | grep '"variant": "stock"' |
  sed 's/.*"vmlinux": "\([^"]*\)".*/\1/' | tail -n 1)
expect_status 0 "$kcovtool" trace --vmlinux "$stock" -- true
expect_in "$scratch/err" "is not the kernel that ran (its build-id is "
head -n 1 "$scratch/out" | grep -qE '^0x[0-9a-f]+$' || fail "names in spite of another build"
objcopy --strip-debug "$stock" "$scratch/stripped"
expect_status 0 "$kcovtool" trace --stock --vmlinux "$scratch/stripped" -- true
expect_in "$scratch/err" "has no debug information: PCs only"

# A machine with little memory has none for what a slow reader leaves waiting.
status=0
set -o pipefail
"$kcovtool" trace --memory 64 -o "$scratch/slow.kcov" -- sh -c "tr '\0' x </dev/zero | head -c 30000000" 2>"$scratch/err" | (sleep 2; wc -c) >"$scratch/out" || status=$?
set +o pipefail
[ "$status $(cat "$scratch/out")" = "0 30000000" ] || fail "a slow reader of a small machine got $(cat "$scratch/out") bytes, status $status: $(cat "$scratch/err")"
