#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The contract on a kernel where data races are found: no race that kcov has a part in. The
# kernel has some of its own, which are counted.
. "$(dirname "$0")/../common.sh"
. "$(dirname "$0")/../conformance.sh"
not_ours='BUG: KCSAN: data-race in (?!.*kcov)'
conformance_of x86_64-kcsan ours --cpus 4 --memory 1024 --hang-timeout 300
expect_in "$scratch/log" "kcsan: enabled early"
printf "races of the kernel's own: %s\n" "$(grep -cP "$not_ours" "$scratch/log")"
