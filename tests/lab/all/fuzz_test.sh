#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Ten million executions of libFuzzer: descriptor operations, and a user space that stores
# anything into any buffer before any access of the core.
fuzzer=$KCOV_BUILD/tests/fuzz/descriptor_fuzz
[ -x "$fuzzer" ] || { echo "no clang: descriptor_fuzz is not built"; exit 77; }
exec "$fuzzer" -runs=10000000 -max_len=192 -seed="${KCOV_SEED:-1}" -print_final_stats=1 -verbosity=0 \
  -artifact_prefix="$KCOV_BUILD/"
