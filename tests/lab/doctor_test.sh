#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# doctor on the real thing: this machine, the lab's kernels, functions whose fate is known, recordings.
. "$(dirname "$0")/common.sh"
cd "$scratch"

# Where um works nothing is wrong, whatever the running kernel lacks; within two seconds or so.
expect_status 0 "$kcovtool" doctor
expect_in out "the running kernel, Linux $(uname -r) (trace --on native)" "the lab's kernel um (trace --on um)" \
  "building a kernel (lab build --machine um)" "nothing wrong was found"
grep -qE '^  ok +a trace +cat /sys/kernel/debug/kcov_sites recorded [0-9]{4,} PCs, [0-9]{3,} of them different, in ' out || fail "no trace"
grep -qE '^  ok +names ' out || fail "no names"
grep -qE '^  ok +gcc +gcc .*: instruments for PCs and comparisons' out || fail "gcc cannot instrument"
expect_status 0 "$kcovtool" doctor --on x86_64
grep -qE '^  ok +a trace +cat /sys/kernel/debug/kcov_sites recorded' out || fail "no trace on x86_64"
# What is told is the state before the trace, and not that in its midst.
dormant='^  ok +dormancy +[0-9]{6} calls, dormant before the trace; waking took [0-9.]+ ms; they sleep after 10 s$'
grep -qE "$dormant" out || fail "x86_64: $(grep dormancy out)"
expect_status 0 "$kcovtool" doctor --machine um
grep -qE "$dormant" out || fail "um: $(grep dormancy out)"
expect_status 0 "$kcovtool" doctor --on host
expect_not_in out "the lab's kernel"
grep -qE '^  ok +dormancy +programs (can unmake|always make) their calls' out || fail "no word of programs' calls"

# As a native trace would see it: on a kernel that has kcov, and on one that may not be reached.
on_kernel -- "$kcovtool" doctor --on native >native || [ $? = 1 ] || fail "status $? on um"
grep -qE '^  ok +tracing +read\(-1\) recorded [0-9]+ PCs' native || fail "kcov does not work on um: $(cat native)"
grep -qE "$dormant" native || fail "native: $(grep dormancy native)"
# Whatever the kernel is told to do, that is what is said.
while_never() { on_kernel --kernel-arguments "$1" -- sh -c "$2" "$kcovtool" | grep -A1 dormancy >never || true; }
while_never kcov_sleep_after=never 'exec "$0" doctor --on native'
expect_in never "made before the trace, and never changed since boot" "note: kcov_sleep_after is never: calls are always made"
while_never kcov_sleep_after=10000 'echo never >/sys/kernel/debug/kcov_sleep_after; exec "$0" doctor --on native'
expect_in never "dormant before the trace" "note: kcov_sleep_after is never: from the first trace on calls are always made"
while_never kcov_sleep_after=0 'exec "$0" doctor --on native'
expect_in never "dormant before the trace; waking took" "they sleep at once"
grep -qE '^  ok +comparisons +read\(-1\) recorded [0-9]+' native || fail "no comparisons on um: $(cat native)"
on_kernel -- sh -c 'umount /sys/kernel/debug && exec "$0" doctor --on native' "$kcovtool" >unmounted && fail "without debugfs all is well"
expect_in unmounted "mount -t debugfs none /sys/kernel/debug"
# JSON says the same.
status=0
"$kcovtool" doctor --on native --json >json || status=$?
[ "$(python3 -c 'import json; print(json.load(open("json"))["well"])')" = "$([ $status = 0 ] && echo True || echo False)" ] ||
  fail "exit status $status, and JSON says otherwise"

# Without a kernel the exit status says so, and the remedy is the command.
status=0
KCOVTOOL_CACHE=$scratch/none "$kcovtool" doctor --on um >none || status=$?
[ $status = 1 ] || fail "status $status without a kernel"
expect_in none "remedy: kcovtool lab build --machine um"

# A kernel that has no kcov is no kernel of ours; and a cache that cannot be read is not empty.
for command in "lab build" "lab run" ; do
  # shellcheck disable=SC2086
  expect_status 2 "$kcovtool" $command --machine um-plain $([ "$command" = "lab build" ] || echo -- true)
  expect_in err "the machine um-plain has no kcov, and so none of ours: add --stock"
done
touch file
expect_status 125 env KCOVTOOL_CACHE="$PWD/file" "$kcovtool" lab list
expect_in err "cannot read $PWD/file/kernels: Not a directory"

# The image: most of it is instrumented, and of stock's as much.
image() { "$kcovtool" lab list | sed -n "s/^\* $1 $2 [^ ]* \(.*vmlinux\) build-id .*/\1/p"; }
for machine in um x86_64; do
  expect_status 0 "$kcovtool" doctor --vmlinux "$(image $machine ours)"
  grep -qE '^  ok +instrumented +[0-9]{4,} of [0-9]{4,} functions' out || fail "$machine is not instrumented: $(cat out)"
  grep -qE '^  ok +comparisons +[0-9]+ comparisons' out || fail "no comparisons"
done
# No kernel at all.
expect_status 1 "$kcovtool" doctor --vmlinux "$kcovtool"
expect_in out "__sanitizer_cov_trace_pc is not among its symbols"
expect_status 125 "$kcovtool" doctor --vmlinux /etc/passwd
expect_in err "it is not an ELF image"

# Functions.
expect_status 0 "$kcovtool" doctor --function do_sys_open
expect_in out "what it executes in a traced task is recorded"
expect_status 0 "$kcovtool" doctor --function current_thread_info
expect_in out "inlined everywhere, into "
expect_status 1 "$kcovtool" doctor --function no_such_function_anywhere
expect_in out "there is no no_such_function_anywhere among the symbols"
expect_status 1 "$kcovtool" doctor --on x86_64 --function asm_exc_page_fault
expect_in out "it is written in assembly (arch/x86/entry/entry_64.S)"
expect_status 1 "$kcovtool" doctor --on x86_64 --function exc_page_fault
expect_in out "its code lies in .noinstr.text"
expect_status 2 "$kcovtool" doctor --function schedule --kernel-source /nonexistent
expect_in err "cannot use /nonexistent as the kernel's source"
# Which line of which Makefile: in a tree of a few of them.
mkdir -p tree/kernel/sched
echo "obj-y += kernel/" >tree/Makefile
printf '%s\n' '# These files do not' '# depend on the input.' 'KCOV_INSTRUMENT := n' >tree/kernel/sched/Makefile
expect_status 1 "$kcovtool" doctor --function schedule --kernel-source tree
expect_in out 'schedule does not call kcov: kernel/sched/Makefile:3: KCOV_INSTRUMENT := n; it says: "These files do not depend on the input."'

# Recordings.
"$kcovtool" trace -o run.kcov -- ls / >/dev/null
expect_status 0 "$kcovtool" doctor run.kcov
expect_in out "the command ended with status 0" "all 1 were traced" "no record was dropped" "PCs have names"
"$kcovtool" trace --buffer 512 -o small.kcov -- ls / >/dev/null 2>&1
expect_status 1 "$kcovtool" doctor small.kcov
expect_in out " records, which did not fit into its buffer of 511" "remedy: kcovtool trace --buffer "
# What it says is enough is.
"$kcovtool" trace --buffer "$(sed -n 's/.*remedy: kcovtool trace --buffer //p' out)" -o enough.kcov -- ls / >/dev/null
expect_status 0 "$kcovtool" doctor enough.kcov
# Of another build.
expect_status 1 "$kcovtool" doctor --vmlinux "$(image um stock)" run.kcov
expect_in out "is not the kernel that ran"
"$kcovtool" trace -o host.kcov --on host -- "$KCOV_BUILD/tests/host/kcov_host_innocent" >/dev/null
expect_status 0 "$kcovtool" doctor host.kcov
expect_status 125 "$kcovtool" doctor /etc/passwd
expect_status 2 "$kcovtool" doctor --on um run.kcov
expect_status 2 "$kcovtool" doctor --on host --function x
expect_status 2 "$kcovtool" doctor --kernel-source /
expect_status 2 "$kcovtool" doctor --function ""
expect_in err "it is empty; name a function"
