#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The command sees the host's files, may change none but those below --write, has a
# private /tmp, and the caller's directory and environment.
. "$(dirname "$0")/common.sh"

cd "$scratch"
echo from-the-host >file
[ "$(on_kernel -- cat file)" = from-the-host ] || fail "a file of the caller's directory"
[ "$(on_kernel -- pwd)" = "$(pwd -P)" ] || fail "the caller's directory"
[ "$(SOME_VARIABLE='a b' on_kernel -- sh -c 'echo "$SOME_VARIABLE"')" = "a b" ] || fail "the environment"
[ "$(on_kernel -- id -u)" = 0 ] || fail "not its root"
[ "$(on_kernel -- uname -m)" = x86_64 ] || fail "uname"

# Read-only, outside of /tmp.
outside=$(mktemp -d /var/tmp/kcov-test.XXXXXX)
trap 'rm -rf "$scratch" "$outside"' EXIT
expect_status 2 on_kernel -- sh -c "echo x >$outside/new"
expect_in "$scratch/err" "Read-only file system"
[ -z "$(ls "$outside")" ] || fail "something was written to the host"

# /tmp takes writes and keeps them to itself.
name=/tmp/kcov-test-private.$$
expect_status 0 on_kernel -- sh -c "echo x >$name && cat $name"
[ ! -e "$name" ] || fail "/tmp is not private"

# --write goes through, more than one, below /tmp too.
mkdir "$outside/a" "$scratch/b"
expect_status 0 on_kernel --write "$outside/a" --write "$scratch/b" -- \
  sh -c "echo one >$outside/a/file; echo two >$scratch/b/file; mkdir $outside/a/d; rm -rf $outside/a/d"
[ "$(cat "$outside/a/file")" = one ] || fail "--write: nothing arrived"
[ "$(cat "$scratch/b/file")" = two ] || fail "second --write: nothing arrived"
expect_status 2 on_kernel --write /nonexistent -- true
expect_in "$scratch/err" "cannot make /nonexistent writable: it is no directory"

# What programs expect of a machine.
expect_status 0 on_kernel -- sh -c 'test -c /dev/null && test -r /proc/self/stat && test -d /sys/kernel && echo x >/dev/shm/x'
[ "$(on_kernel -- stat -c %a /sys/kernel/debug/kcov)" = 600 ] || fail "kcov's file is not 0600"

# --write / would do nothing: it is refused.
expect_status 2 on_kernel --write / -- true

# A tool in a directory with a space.
mkdir "$scratch/a space"
cp "$kcovtool" "$KCOV_BUILD/kcov-agent" "$scratch/a space/"
expect_status 0 "$scratch/a space/kcovtool" lab run -- true
