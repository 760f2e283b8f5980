#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The contract on a kernel where memory errors and undefined behaviour are found, and on
# which memory runs out at every allocation in turn.
. "$(dirname "$0")/../common.sh"
. "$(dirname "$0")/../conformance.sh"
conformance_of x86_64-kasan ours --cpus 4 --memory 1024 --hang-timeout 300
expect_in "$scratch/log" "kasan: KernelAddressSanitizer initialized"
on_kernel --machine x86_64-kasan --memory 1024 --hang-timeout 300 --log "$scratch/log" -- \
  "$KCOV_BUILD/lab_fault_injection" >"$scratch/out" 2>&1 || { cat "$scratch/out" >&2; fail "fault injection"; }
cat "$scratch/out"
expect_in "$scratch/out" "every failure left things as they were"
expect_not_in "$scratch/out" '^(open|KCOV_INIT_TRACE|mmap|KCOV_REMOTE_ENABLE|a section): 0$'
expect_not_in "$scratch/log" "$complaints|WARNING"
