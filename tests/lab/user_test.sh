#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# It works for an ordinary user as for root.
. "$(dirname "$0")/common.sh"
need_root

# A cache and a build that anybody may read.
mkdir -p "$scratch/cache/kernels" "$scratch/bin"
cp "$kcovtool" "$KCOV_BUILD/kcov-agent" "$scratch/bin/"
current=$("$kcovtool" lab list | sed -n 's/^\* um ours [^ ]* \(.*\)\/vmlinux .*/\1/p')
cp -r "$current" "$scratch/cache/kernels/"
ln -s "$(basename "$current")" "$scratch/cache/kernels/current-um-ours"
chmod -R a+rX "$scratch"

as_user() {
  setpriv --reuid=65534 --regid=65534 --clear-groups \
    env KCOVTOOL_CACHE="$scratch/cache" HOME=/nonexistent "$@"
}
cd /
expect_status 0 as_user "$scratch/bin/kcovtool" lab run -- id -u
[ "$(cat "$scratch/out")" = 0 ] || fail "not root in the machine"
expect_status 0 as_user "$scratch/bin/kcovtool" trace -- true
expect_in "$scratch/out" "execve "
# Its root is the caller all the same: what the caller may not read, it may not.
if [ ! -r /etc/shadow ] || ! setpriv --reuid=65534 --clear-groups test -r /etc/shadow; then
  expect_status 1 as_user "$scratch/bin/kcovtool" lab run -- cat /etc/shadow
fi
