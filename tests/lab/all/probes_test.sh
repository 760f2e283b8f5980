#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Whoever else patches the kernel's text is not disturbed by calls that are made and unmade, and
# does not disturb: kprobes (at a call, just before one), ftrace, static keys and static calls.
. "$(dirname "$0")/../common.sh"

vmlinux=$("$kcovtool" lab list | sed -n 's/^\* x86_64-probes ours [^ ]* \([^ ]*\) .*/\1/p')
[ -n "$vmlinux" ] || fail "there is no x86_64-probes"
module=$(dirname "$vmlinux")/modules/fs/binfmt_misc.ko

# calls_of FUNCTION: the offset of a call of a callback that becomes prefixes of what is behind it, so
# that between the two there is no boundary any more; that of an instruction before another one which a
# jump of five bytes would reach over; and where the first two calls return to.
calls_of() {
  local address rest previous=0 begin="" returned=no at="" before="" list="" count=0
  while read -r address rest; do
    address=$((0x${address%:}))
    : "${begin:=$address}"
    if [ $returned = yes ]; then
      [ $count -gt 2 ] || list="$list $(printf '0x%x' $address)"
      case $rest in call*) ;; *) : "${at:=$((previous - begin))}" ;; esac
    fi
    returned=no
    case $rest in
      call*"<__sanitizer_cov_trace_pc>") count=$((count + 1)) returned=yes ;;
      call*"<__sanitizer_cov_trace_"*)
        [ $((address - previous)) -ge 5 ] || : "${before:=$((previous - begin))}" ;;
    esac
    [ $count -lt 2 ] || [ $returned = yes ] || [ -z "$at" ] || [ -z "$before" ] || break
    previous=$address
  done < <(objdump -d --no-show-raw-insn --disassemble="$1" "$vmlinux" | grep -E '^[0-9a-f]+:')
  [ $count -ge 2 ] && [ -n "$at" ] || fail "$1 has no two calls"
  echo "$at ${before:-none} $list"
}
read -r at before returns < <(calls_of do_sys_ftruncate)
[ "$before" != none ] || fail "do_sys_ftruncate has no short instruction before a call"
# Of a system call that nobody makes a trace of here.
read -r other unused unused < <(calls_of cp_new_stat)

cat >"$scratch/script" <<END
set -e
cd /sys/kernel/tracing 2>/dev/null && [ -e kprobe_events ] || { mount -t tracefs none /sys/kernel/tracing; cd /sys/kernel/tracing; }
site() { sed -n "s/^\$1: //p" /sys/kernel/debug/kcov_sites; }
until_dormant() {
  echo 0 >/sys/kernel/debug/kcov_sleep_after
  for i in \$(seq 100); do [ "\$(site state)" != dormant ] || return 0; sleep 0.1; done
  echo "it does not sleep"
}
# Whether both calls are recorded. Awake all the time: an emulated change takes seconds.
calls() {
  echo never >/sys/kernel/debug/kcov_sleep_after
  "$KCOV_BUILD/lab_calls" >/tmp/calls; for pc in $returns; do grep -qx "\$pc" /tmp/calls && printf 'yes ' || printf 'no '; done
}

echo "without: \$(calls)"

until_dormant
echo "p:at do_sys_ftruncate+$at" >kprobe_events
echo "p:before do_sys_ftruncate+$before" >>kprobe_events
echo "p:behind do_sys_ftruncate+$((at + 5))" >>kprobe_events
echo 1 >events/kprobes/enable
echo "probed: \$(calls)\$(site state) \$(site left_alone)"
awk '{ print "hits of " \$1 ": " (\$2 > 0 ? "some" : "none") }' kprobe_profile
echo 0 >events/kprobes/enable
echo >kprobe_events
sleep 3
echo "gone: \$(site state) \$(site left_alone)"
echo "after: \$(calls)"

# Set while it is awake, gone while it sleeps.
echo "p:at do_sys_ftruncate+$at" >kprobe_events
echo 1 >events/kprobes/enable
until_dormant
echo "asleep: \$(site left_alone)"
echo 0 >events/kprobes/enable
echo >kprobe_events
echo "awake: \$(calls)"

# Probes that are never armed, so that whoever takes them away waits for nobody, while calls change.
echo 0 >/sys/kernel/debug/kcov_sleep_after
(while :; do
  echo "p:at do_sys_ftruncate+$at" >kprobe_events; echo "p:before do_sys_ftruncate+$before" >>kprobe_events
  echo >kprobe_events; echo round >>/tmp/unarmed
done) &
for i in \$(seq 12); do "$KCOV_BUILD/lab_calls" >/tmp/calls; done
kill \$!
wait \$! || true
echo >kprobe_events
echo "unarmed beside: \$(wc -l </tmp/unarmed)"
echo never >/sys/kernel/debug/kcov_sleep_after
"$KCOV_BUILD/lab_calls" >/tmp/calls
sleep 3
echo "unarmed gone: \$(site state) \$(site left_alone)"
echo "unarmed after: \$(calls)"

# Everything at once: all functions once, then those of files, again and again.
echo function >current_tracer; echo function_graph >current_tracer; echo nop >current_tracer
echo '*file*' >set_ftrace_filter
(while :; do
  echo function >current_tracer; echo function_graph >current_tracer; echo nop >current_tracer
  echo 1 >events/sched/enable; echo 1 >/proc/sys/kernel/sched_schedstats
  echo "p:other cp_new_stat+$other" >kprobe_events; echo 1 >events/kprobes/enable
  echo 0 >events/kprobes/enable; echo >kprobe_events
  echo 0 >events/sched/enable; echo 0 >/proc/sys/kernel/sched_schedstats
  echo round >>/tmp/rounds
done) &
"$KCOV_BUILD/lab_dormancy" 8 1 "$module" >/tmp/dormancy
"$KCOV_BUILD/lab_dormancy" 10 3 >/tmp/dormancy
kill \$!
wait \$! || true
echo "rounds beside: \$(wc -l </tmp/rounds)"
echo nop >current_tracer
echo 0 >events/enable
echo >kprobe_events
# And ftrace traces.
echo do_sys_ftruncate >set_ftrace_filter
echo function >current_tracer
echo "traced: \$(calls)"
grep -q do_sys_ftruncate trace && echo "ftrace: yes"
END
# One CPU: with two, under QEMU before 8.1, ftrace alone brings the kernel down, with kcov asleep or
# never asleep: a CPU goes on with a breakpoint that it has translated and that is gone.
expect_status 0 "$kcovtool" lab run --machine x86_64-probes --hang-timeout 300 --log "$scratch/log" -- sh "$scratch/script"
! grep -E 'BUG|Oops|WARNING|general protection|invalid opcode|Failed to' "$scratch/log" || fail "the kernel complains"
grep -q "^probed: .*awake [2-9]" "$scratch/out" || fail "$(cat "$scratch/out")"
expect_in "$scratch/out" "without: yes yes " "hits of at: some" "hits of before: some" "hits of behind: some" "gone: awake 0" "after: yes yes" \
  "unarmed gone: awake 0" "unarmed after: yes yes" "awake: yes yes" "traced: yes yes" "ftrace: yes"
