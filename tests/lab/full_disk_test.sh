#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# A disk that is full before the names of a recording are written: the trace is there, and said to be.
. "$(dirname "$0")/common.sh"
need_mounts
cd "$scratch"

mkdir full
expect_status 0 unshare --mount sh -c "
  mount -t tmpfs -o size=300k none full && dd if=/dev/zero of=full/taken bs=1k count=100 2>/dev/null
  status=0; '$kcovtool' trace -o full/x.kcov -- ls / 2>x.err || status=\$?
  [ \$status = 125 ] || exit 1
  rm full/taken; cp full/x.kcov x.kcov"
expect_in x.err "is whole; the names are still to be looked up" "database or disk is full"
expect_status 0 "$kcovtool" show x.kcov
expect_in out getdents64
