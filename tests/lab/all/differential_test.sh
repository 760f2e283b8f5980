#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# A million random operations, on ours and on stock.
KCOV_PROGRAMS=10000 KCOV_SEED=${KCOV_SEED:-7} exec bash "$(dirname "$0")/../differential_test.sh"
