#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The contract on user-mode Linux that tested itself at boot.
. "$(dirname "$0")/../common.sh"
. "$(dirname "$0")/../conformance.sh"
conformance_of um-selftest ours
