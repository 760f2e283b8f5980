#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Another file system in the place of /dev/shm: too small, or noexec.
. "$(dirname "$0")/common.sh"
need_mounts

for options in size=1m noexec; do
  expect_status 0 unshare --mount sh -c "mount -t tmpfs -o $options none /dev/shm && exec '$kcovtool' lab run -- true"
done
