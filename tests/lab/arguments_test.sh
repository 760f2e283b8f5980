#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# trace --arguments: what system calls were given and answered, each beside what it executed, and
# nothing of the stops that this takes in the trace.
. "$(dirname "$0")/common.sh"
cd "$scratch"

# Every entry of a call has its call, of the same name; every text and answer is what it was.
cat >check.py <<'END'
import json, sys
report = json.load(open(sys.argv[1]))
entries = calls = 0
for task in report["tasks"]:
    for entry in task["entries"]:
        if entry["kind"] != "system call": continue
        entries += 1
        if "call" not in entry:
            sys.exit(f"{entry['name']} of task {task['id']} has no call")
        calls += 1
        name = entry["call"]["text"].split("(")[0]
        # Named by what was instrumented, or by the kernel's own name for it.
        same = {("sendfile64", "sendfile"), ("mmap_pgoff", "mmap"), ("vfork", "clone"), ("fork", "clone")}
        if entry["name"] != name and not entry["name"].startswith("(not ") and (entry["name"], name) not in same:
            sys.exit(f"{entry['name']} has the call {entry['call']['text']}")
print(entries)
END
cat >program.sh <<'END'
cat /etc/hostname /no/such/file
mkdir /tmp/made; echo text >/tmp/made/file; rm -r /tmp/made
(exit 3)
uname | tr a-z A-Z
kill -USR1 $$
END
for machine in um x86_64; do
  expect_status 138 "$kcovtool" trace --on $machine --arguments -o $machine.kcov -- sh "$PWD/program.sh"
  "$kcovtool" show --json $machine.kcov >$machine.json
  count=$(python3 check.py $machine.json) || fail "$machine: the calls are not the entries'"
  [ "$count" -gt 300 ] || fail "$machine: $count calls"
  expect_status 0 "$kcovtool" show --full $machine.kcov
  expect_in out '  execve("/' '", ?, ?) = 0' '  openat(AT_FDCWD, "/etc/hostname", O_RDONLY) = 3' \
    '  openat(AT_FDCWD, "/no/such/file", O_RDONLY) = -1 ENOENT (No such file or directory)' \
    '  mkdir("/tmp/made", 0777) = 0' 'O_WRONLY|O_CREAT|O_TRUNC, 0666) = ' '  exit_group(3) = ?' '  write(1, 0x' \
    '  unlinkat(' 'SIGCHLD' '  kill(' ', SIGUSR1) = 0'
  # What the stops executed is in no entry of a call, nor in any total.
  "$kcovtool" show --functions --full $machine.kcov >functions
  expect_not_in functions ' (ptrace_stop|ptrace_notify|ptrace_do_notify|ptrace_report_syscall) '
done
# Without it there is none, and with it the same was executed: page faults come as they come.
expect_status 0 "$kcovtool" trace -o without.kcov -- cat /etc/hostname
expect_status 0 "$kcovtool" trace --arguments -o with.kcov -- cat /etc/hostname
"$kcovtool" show without.kcov | grep -v '^ ' >without
expect_not_in without '^  .* = '
"$kcovtool" show --calls with.kcov | awk '$1 ~ /^(read|write|openat|newfstatat|close|exit_group|brk)$/ { print $1, $2, $4 }' >with.calls
"$kcovtool" show --calls without.kcov | awk '$1 ~ /^(read|write|openat|newfstatat|close|exit_group|brk)$/ { print $1, $2, $4 }' >without.calls
python3 - <<'END' || fail "with --arguments other code was executed: $(diff with.calls without.calls)"
a, b = ({line.split()[0]: [int(n) for n in line.split()[1:]] for line in open(name)} for name in ("with.calls", "without.calls"))
assert a.keys() == b.keys() and len(a) == 7
for call in a:
    # A list of pages that is full is emptied by the call that fills it: some 35 PCs of mm/swap.c.
    assert a[call][0] == b[call][0] and abs(a[call][1] - b[call][1]) <= 45 + b[call][1] // 20, (call, a[call], b[call])
END
expect_status 0 "$kcovtool" diff without.kcov with.kcov
expect_not_in out ' (ptrace_stop|ptrace_notify|ptrace_do_notify) '
# In a tree it is the heading.
expect_status 0 "$kcovtool" show --tree with.kcov
expect_in out 'openat(AT_FDCWD, "/etc/hostname", O_RDONLY) = 3  #'
expect_status 2 "$kcovtool" trace --on host --arguments -- true
expect_in err "--arguments is of system calls, which --on host does not trace"

# What a program would notice: a stop that is sent to a child which has only just been made, a sleep
# that a full buffer must not end, and a signal that ends it.
gcc -O1 -pthread -o unnoticed "$here/unnoticed.c"
for kernel in "" --stock "--on x86_64"; do
  for what in "stop 30" "epoll 20" signal; do
    # shellcheck disable=SC2086
    expect_status 0 timeout 60 "$kcovtool" trace $kernel --arguments --buffer 16384 -- "$PWD/unnoticed" $what
  done
done
# Asked to stop when it was on its way into that sleep already; on um nobody is asked.
for kernel in ours stock; do
  # shellcheck disable=SC2086
  expect_status 0 timeout 120 "$kcovtool" trace --on x86_64 $([ $kernel = ours ] || echo --stock) --arguments --buffer 4096 -- "$PWD/unnoticed" often 2000
done
# A tool that reads nothing for a while has its tasks stopped; they sleep on.
"$kcovtool" trace -o crowd.kcov -- "$PWD/unnoticed" crowd 6 2>crowd.err &
tool=$!
sleep 1
for _ in $(seq 6); do kill -STOP $tool; sleep 0.6; kill -CONT $tool; sleep 0.2; done
wait $tool || fail "a sleep was ended: $(head -n 3 crowd.err)"
# Drained again and again, each call still finds its entry.
expect_status 0 "$kcovtool" trace --arguments --buffer 65536 -o drained.kcov -- "$PWD/unnoticed" "epoll" 5
expect_not_in err dropped
"$kcovtool" show --json drained.kcov >drained.json
python3 check.py drained.json >count || fail "drained: the calls are not the entries'"
[ "$(cat count)" -gt 5000 ] || fail "drained: $(cat count) calls"
