#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The command's exit status is the tool's own; what cannot be run has statuses of its own.
. "$(dirname "$0")/common.sh"

expect_status 0 on_kernel -- true
expect_status 7 on_kernel -- sh -c 'exit 7'
expect_status 137 on_kernel -- sh -c 'kill -9 $$'
expect_status 139 on_kernel -- sh -c 'kill -SEGV $$'

expect_status 127 on_kernel -- no-such-program
expect_in "$scratch/err" "kcovtool: cannot run no-such-program: there is no such program"
expect_status 126 on_kernel -- /etc/passwd
expect_in "$scratch/err" "kcovtool: cannot run /etc/passwd: it is not executable"
printf '#!/nonexistent/interpreter\n' >"$scratch/script"
chmod +x "$scratch/script"
expect_status 127 on_kernel -- "$scratch/script"

expect_status 127 on_kernel -- /etc/passwd/program

# A script without "#!" is one for the shell, with its arguments and its exit status.
printf 'echo "$1 $2"; exit 9\n' >"$scratch/bare"
chmod +x "$scratch/bare"
expect_status 9 on_kernel -- "$scratch/bare" one two
[ "$(cat "$scratch/out")" = "one two" ] || fail "a script without #!"

# SIGCHLD inherited as ignored.
expect_status 7 sh -c "trap '' CHLD; exec env --ignore-signal=CHLD '$kcovtool' lab run -- sh -c 'exit 7'"

# A directory that is gone.
expect_status 125 sh -c "mkdir '$scratch/gone'; cd '$scratch/gone'; rmdir '$scratch/gone'; exec '$kcovtool' lab run -- true"
expect_in "$scratch/err" "kcovtool: cannot run true in the current directory: No such file or directory; it has been removed"

# What the command leaves running does not keep the tool.
expect_status 0 on_kernel -- sh -c 'sleep 1000 & exit 0'

expect_status 2 on_kernel
expect_status 2 "$kcovtool" lab run --machine um --nonsense -- true
expect_status 125 env KCOVTOOL_CACHE="$scratch/empty" "$kcovtool" lab run -- true
expect_in "$scratch/err" "no kernel with our kcov has been built for the machine um: run kcovtool lab build --machine um"
