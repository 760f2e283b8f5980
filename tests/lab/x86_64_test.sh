#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The machine x86_64: a processor's own kernel under QEMU, several CPUs if asked. What the
# other scripts prove of um in full is here proven in short; its rules have a script of
# their own.
. "$(dirname "$0")/common.sh"

on_x86_64() { "$kcovtool" lab run --machine x86_64 "$@"; }

# Status and streams.
expect_status 7 on_x86_64 -- sh -c 'echo to-out; echo to-err >&2; exit 7'
[ "$(cat "$scratch/out")" = to-out ] || fail "standard output holds something else"
[ "$(cat "$scratch/err")" = to-err ] || fail "standard error holds something else"
expect_status 139 on_x86_64 -- sh -c 'kill -SEGV $$'
expect_status 127 on_x86_64 -- no-such-program
expect_status 2 on_x86_64 --cpus 9 -- true
expect_status 2 "$kcovtool" lab run --cpus 2 -- true
expect_in "$scratch/err" "the machine um has one CPU: for 2, use the machine x86_64"
head -c 10000000 /dev/urandom >"$scratch/sent"
on_x86_64 -- cat <"$scratch/sent" >"$scratch/received"
cmp "$scratch/sent" "$scratch/received" || fail "bytes were changed on the way"
on_x86_64 -- yes | head -n 1 >"$scratch/out"
[ "$(cat "$scratch/out")" = y ] || fail "the first line did not arrive"

# Files: the host's, read-only; a private /tmp; --write goes through. Four CPUs.
outside=$(mktemp -d /var/tmp/kcov-test.XXXXXX)
trap 'rm -rf "$scratch" "$outside"' EXIT
mkdir "$outside/a" "$scratch/b,c"
echo from-the-host >"$scratch/file"
cd "$scratch"
cat >"$scratch/script" <<'SH'
outside=$1
nproc
cat file && pwd && id -u
echo x >"$outside/new" 2>/dev/null && echo "written to the host"
echo x >/tmp/kcov-test-private && cat /tmp/kcov-test-private
echo one >"$outside/a/file"
echo two >"b,c/file"
stat -c %a /sys/kernel/debug/kcov
test -c /dev/null && test -r /proc/self/stat && echo x >/dev/shm/x
SH
expect_status 0 on_x86_64 --cpus 4 --log "$scratch/log" --write "$outside/a" --write "$scratch/b,c" -- sh script "$outside"
printf '4\nfrom-the-host\n%s\n0\nx\n600\n' "$(pwd -P)" >"$scratch/expected"
diff "$scratch/expected" "$scratch/out" || fail "what the command sees"
expect_in "$scratch/log" "Linux version 6.12" "smp: Brought up 1 node, 4 CPUs" "reboot: Power down"
expect_not_in "$scratch/log" 'BUG|WARNING|Oops|Call Trace|Unable to handle|general protection|overlayfs|Failed to'
[ ! -e /tmp/kcov-test-private ] || fail "/tmp is not private"
[ "$(cat "$outside/a/file")" = one ] || fail "--write: nothing arrived"
[ "$(cat "$scratch/b,c/file")" = two ] || fail "second --write: nothing arrived"

# The classic: the addresses are those of the image, wherever the kernel was put.
for _ in 1 2; do
  on_x86_64 --cpus 2 -- "$KCOV_BUILD/first" >"$scratch/pcs"
  "$kcovtool" symbolize --machine x86_64 "$scratch/pcs" >"$scratch/names"
  expect_in "$scratch/names" "x64_sys_call arch/x86/entry/syscall_64.c:" "ksys_read fs/read_write.c:" \
    "fdget_pos fs/file.c:"
  expect_not_in "$scratch/names" '\?$|irq|softirq|timer|tick|sched|do_exit|exit_|kcov'
  md5sum <"$scratch/pcs" >>"$scratch/sums"
done
[ "$(sort -u "$scratch/sums" | wc -l)" = 1 ] || fail "the sequence differs from boot to boot"

# Traced: calls, calls whose code is not instrumented, faults, traps and signals.
expect_status 0 "$kcovtool" trace --on x86_64 -- cat "$scratch/file"
expect_in "$scratch/out" "execve " "page fault " "openat " "read " "write " "exit_group " \
  "on x86_64, our kcov, Linux 6.12"
expect_in "$scratch/err" from-the-host
cat >"$scratch/calls.c" <<'C'
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>
static void handler(int signal) { (void)signal; }
static void skip(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info, (void)context;
	_exit(3);
}
int main(void)
{
	struct sigaction action = {.sa_sigaction = skip, .sa_flags = SA_SIGINFO};
	sigaction(SIGILL, &action, 0);
	syscall(SYS_getgid); sched_yield(); sched_yield(); syscall(SYS_getppid);
	signal(SIGALRM, handler); alarm(1); pause(); syscall(SYS_getuid);
	__asm__ volatile("ud2");
	return 0;
}
C
gcc -O1 -static -o "$scratch/calls" "$scratch/calls.c"
expect_status 3 "$kcovtool" trace --on x86_64 -- "$scratch/calls"
[ "$(sed -n '/^getgid/,/^exit_group/p' "$scratch/out" | grep -v '^page fault' | awk '{ print $1 $2 }' | sed 's/[0-9]*$//' | tr '\n' ' ')" = \
  "getgid (notinstrumented) (notinstrumented) getppid rt_sigaction alarm pause signal rt_sigreturn getuid trap signal exit_group " ] ||
  { cat "$scratch/out" >&2; fail "the program's calls are not those of the trace"; }

# A panic is an error with the end of the log; so is the end of the agent.
expect_status 125 on_x86_64 -- sh -c 'echo c >/proc/sysrq-trigger'
expect_in "$scratch/err" "kcovtool: the machine died while the command ran; the end of its kernel's log:" \
  "Kernel panic"

# However the tool ends, nothing is left.
memory=$scratch/memory
mkdir "$memory"
left() { grep -lsaF "$memory" /proc/[0-9]*/environ 2>/dev/null | grep -v "^/proc/$$/" || true; }
for signal in INT:130 KILL:137; do
  : >"$scratch/out"
  KCOVTOOL_MEMORY=$memory env --default-signal=INT "$kcovtool" lab run --machine x86_64 -- \
    sh -c 'echo up; sleep 1000' >"$scratch/out" 2>"$scratch/err" &
  tool=$!
  for _ in $(seq 300); do [ ! -s "$scratch/out" ] || break; sleep 0.1; done
  kill -"${signal%:*}" $tool
  status=0
  wait $tool || status=$?
  [ "$status" = "${signal#*:}" ] || fail "status $status after SIG${signal%:*}"
  for _ in $(seq 50); do [ -n "$(left)" ] || break; sleep 0.1; done
  [ -z "$(left)" ] || fail "SIG${signal%:*}: processes are left: $(left)"
  [ -z "$(ls -A "$memory")" ] || fail "the machine's directory is left after SIG${signal%:*}"
done

# Without QEMU: which package has it.
mkdir "$scratch/bin"
expect_status 125 env PATH="$scratch/bin" "$kcovtool" lab run --machine x86_64 -- true
expect_in "$scratch/err" "qemu-system-x86_64 is not installed (apt-get install qemu-system-x86)"

# For an ordinary user.
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$scratch/cache/kernels"
  cp "$kcovtool" "$KCOV_BUILD/kcov-agent" "$scratch/bin/"
  current=$("$kcovtool" lab list | sed -n 's/^\* x86_64 ours [^ ]* \(.*\)\/vmlinux .*/\1/p')
  cp -r "$current" "$scratch/cache/kernels/"
  ln -s "$(basename "$current")" "$scratch/cache/kernels/current-x86_64-ours"
  chmod -R a+rX "$scratch"
  cd /
  expect_status 0 setpriv --reuid=65534 --regid=65534 --clear-groups \
    env KCOVTOOL_CACHE="$scratch/cache" HOME=/nonexistent \
    "$scratch/bin/kcovtool" lab run --machine x86_64 -- id -u
  [ "$(cat "$scratch/out")" = 0 ] || fail "not root in the machine"
fi
