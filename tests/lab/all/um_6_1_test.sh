#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The contract on the second series, Linux 6.1.
. "$(dirname "$0")/../common.sh"
. "$(dirname "$0")/../conformance.sh"
conformance_of um-6.1 ours
conformance_of um-6.1 stock
