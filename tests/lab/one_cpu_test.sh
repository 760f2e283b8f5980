#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# All processes of um are on one CPU, and on another when somebody else wants that one.
. "$(dirname "$0")/common.sh"
[ "$(nproc)" -ge 2 ] || skip "there is one CPU"
[ -e /proc/self/schedstat ] || skip "the kernel does not tell how long processes wait (/proc/PID/schedstat)"

# cpus DIRECTORY: the CPUs that the processes of the machine in DIRECTORY may be on, each set once.
cpus() {
  local group process
  group=$(cat "$1/machine/pid")
  for process in /proc/[0-9]*; do
    [ "$(sed 's/.*) //' "$process/stat" 2>/dev/null | cut -d ' ' -f 3)" = "$group" ] || continue
    sed -n 's/^Cpus_allowed_list:\t//p' "$process/status" 2>/dev/null || true
  done | sort -u
}

# Its directory is ours alone.
mkdir "$scratch/memory"
KCOVTOOL_MEMORY=$scratch/memory "$kcovtool" lab run -- sh -c 'echo runs; i=0; while :; do i=$((i + 1)); done' >"$scratch/out" 2>&1 &
tool=$!
hogs=()
trap 'kill -9 $tool "${hogs[@]}" 2>/dev/null || true; rm -rf "$scratch"' EXIT
for ((i = 0; i < 200; i++)); do grep -q runs "$scratch/out" && break; sleep 0.1; done
directory=$(echo "$scratch"/memory/kcovtool.*)
first=$(cpus "$directory")
[[ "$first" =~ ^[0-9]+$ ]] || fail "its processes may be on the CPUs $first"

for i in 1 2 3; do
  taskset -c "$first" sh -c 'while :; do :; done' &
  hogs+=($!)
done
for ((i = 0; i < 300; i++)); do
  now=$(cpus "$directory")
  [[ "$now" =~ ^[0-9]+$ && "$now" != "$first" ]] && exit 0
  sleep 0.1
done
fail "it stays on CPU $first, which three others want"
