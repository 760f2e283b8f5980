#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# An installed tool, moved elsewhere, finds its agent and the kernels, and builds from its own
# data the kernel that the source tree builds: the one that is there.
. "$(dirname "$0")/common.sh"

cmake --install "$KCOV_BUILD" --prefix "$scratch/first" --component tool >"$scratch/out"
mkdir "$scratch/moved to"
mv "$scratch/first" "$scratch/moved to/here"
installed="$scratch/moved to/here/bin/kcovtool"

expect_status 0 "$kcovtool" lab list
mv "$scratch/out" "$scratch/listed"
expect_status 0 "$installed" lab list
cmp "$scratch/listed" "$scratch/out" || fail "lab list"
expect_status 0 "$installed" lab run -- id -u
[ "$(cat "$scratch/out")" = 0 ] || fail "not root in the machine"
expect_status 0 "$installed" trace -- true
expect_in "$scratch/out" "execve " "on um, our kcov, Linux "

# The same key. Nothing is built where it is not: there is no tar to unpack the source with.
mkdir -p "$scratch/bin" "$scratch/cache/kernels"
printf '#!/bin/sh\nexit 1\n' >"$scratch/bin/tar"
chmod +x "$scratch/bin/tar"
export PATH=$scratch/bin:$PATH
kernels=${KCOVTOOL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kcovtool}/kernels
find "$kernels" -maxdepth 1 -name 'um-ours-*' -exec ln -s -t "$scratch/cache/kernels" {} +
export KCOVTOOL_CACHE=$scratch/cache
expect_status 0 "$kcovtool" lab build
expect_in "$scratch/out" "up to date: um ours"
mv "$scratch/out" "$scratch/built"
expect_status 0 "$installed" lab build
cmp "$scratch/built" "$scratch/out" || fail "lab build"
# And another key for other data.
printf '\n' >>"$scratch/moved to/here/share/kcov/core/trace.hpp"
expect_status 125 "$installed" lab build
expect_in "$scratch/err" "cannot unpack the kernel source"
