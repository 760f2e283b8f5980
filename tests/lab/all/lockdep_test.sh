#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The contract on a kernel where locks, their order and sleeping are watched.
. "$(dirname "$0")/../common.sh"
. "$(dirname "$0")/../conformance.sh"
conformance_of x86_64-lockdep ours --cpus 4 --memory 1024 --hang-timeout 300
expect_in "$scratch/log" "Lock dependency validator: "
