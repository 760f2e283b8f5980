#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The contract on a kernel where data races are found.
. "$(dirname "$0")/../common.sh"
. "$(dirname "$0")/../conformance.sh"
conformance_of x86_64-kcsan ours --cpus 4 --memory 1024 --hang-timeout 300
