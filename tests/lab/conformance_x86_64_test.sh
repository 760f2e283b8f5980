#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The contract on a kernel with four CPUs, interrupts, preemption, KASLR and mitigations.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/conformance.sh"
conformance_of x86_64 ours --cpus 4 --hang-timeout 120
conformance_of x86_64 stock --cpus 4 --hang-timeout 120
