#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# lab build on a full disk: an error that says so, and nothing half-made.
. "$(dirname "$0")/common.sh"
need_mounts

mkdir "$scratch/small"
expect_status 125 unshare --mount sh -c "mount -t tmpfs -o size=64m none '$scratch/small' && KCOVTOOL_CACHE='$scratch/small' '$kcovtool' lab build; s=\$?; ls '$scratch/small' >&2; find '$scratch/small' -type f -size +0 >&2; exit \$s"
expect_in "$scratch/err" "cannot unpack the kernel source" "No space left on device"
expect_not_in "$scratch/err" '/small/.*(tree|vmlinux)'
