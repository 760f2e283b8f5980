#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# --on native: the running kernel. Here the running kernel is a lab machine's, and the
# tool runs in it.
. "$(dirname "$0")/common.sh"

vmlinux=$("$kcovtool" lab list | sed -n 's/^\* um ours [^ ]* \(.*vmlinux\) .*/\1/p')

expect_status 5 on_kernel -- "$kcovtool" trace --on native --vmlinux "$vmlinux" -- sh -c 'exit 5'
expect_in "$scratch/out" "execve " "exit_group " "on this machine, Linux 6.12"

# Threads and children too; what the command leaves behind is let go, as it is without us.
gcc -O1 -pthread -o "$scratch/family" "$(dirname "$0")/family.c"
expect_status 7 on_kernel -- "$kcovtool" trace --on native --vmlinux "$vmlinux" -- "$scratch/family"
expect_in "$scratch/out" "19 tasks; "
[ "$(grep -c '^getppid ' "$scratch/out")" = 800 ] || fail "the threads' calls"
expect_status 0 on_kernel -- sh -c "'$kcovtool' trace --on native --raw -o /tmp/report -- sh -c 'sleep 555 & exit 0'; sleep 0.5; grep -lsz sleep /proc/[0-9]*/comm && echo lives"
expect_in "$scratch/out" "lives"

# Without an image of the kernel: PCs, and why.
expect_status 0 on_kernel -- "$kcovtool" trace --on native -- true
expect_in "$scratch/err" "no image of the kernel that ran was found: PCs only; name its vmlinux with --vmlinux"
head -n 1 "$scratch/out" | grep -qE '^0x[0-9a-f]+$' || fail "no PCs"

# Where the kernel does not say which it is, no image is taken for its own.
expect_status 0 on_kernel -- sh -c "mount --bind /dev/null /sys/kernel/notes; exec '$kcovtool' trace --on native --vmlinux '$vmlinux' -- true"
expect_in "$scratch/err" "it cannot be told whether $vmlinux is the kernel that ran"
head -n 1 "$scratch/out" | grep -qE '^0x[0-9a-f]+$' || fail "names of a kernel that may be another"

# With SIGCHLD ignored by whoever calls it.
expect_status 5 timeout 60 "$kcovtool" lab run -- env --ignore-signal=CHLD "$kcovtool" trace --on native --raw -- sh -c 'exit 5'

# Standard input reaches the command.
[ "$(echo hello | on_kernel -- "$kcovtool" trace --on native -o /tmp/report -- cat)" = hello ] ||
  fail "the command's streams are not the caller's"

# Which of the three reasons it is.
expect_status 125 on_kernel -- sh -c "umount /sys/kernel/debug; exec '$kcovtool' trace --on native -- true"
expect_in "$scratch/err" "debugfs is not mounted; as root, run mount -t debugfs none /sys/kernel/debug"
expect_status 125 on_kernel -- setpriv --reuid=65534 --clear-groups "$kcovtool" trace --on native -- true
expect_in "$scratch/err" "no permission to enter /sys/kernel/debug; run kcovtool as root"
expect_status 125 on_kernel -- sh -c "mkdir /tmp/empty; mount -t tmpfs none /sys/kernel/debug; mount -t debugfs none /tmp/empty; umount /sys/kernel/debug; mount -t debugfs none /sys/kernel/debug; mount --bind /tmp/empty/bdi /sys/kernel/debug; exec '$kcovtool' trace --on native -- true"
expect_in "$scratch/err" "it has no kcov; use one built with CONFIG_KCOV=y, or --on um"

# A kernel without it is no matter of mounting.
mkdir "$scratch/boot"
echo '# CONFIG_KCOV is not set' >"$scratch/boot/config-$("$kcovtool" lab run -- uname -r)"
expect_status 125 on_kernel -- sh -c "mount --bind '$scratch/boot' /boot; umount /sys/kernel/debug; exec '$kcovtool' trace --on native -- true"
expect_in "$scratch/err" "it has no kcov (CONFIG_KCOV is not set in /boot/config-6.12"

# The report alone on standard output.
expect_status 0 on_kernel -- "$kcovtool" trace --on native --raw -- echo MINE
expect_not_in "$scratch/out" MINE
expect_in "$scratch/err" MINE

# Ended, it leaves nothing running: not the command, and not what that started.
on_kernel -- sh -c "'$kcovtool' trace --on native -- sh -c 'sleep 777 & sleep 778' & tool=\$!; sleep 1; kill -TERM \$tool; wait \$tool; echo status \$?; sleep 0.5; grep -lsz sleep /proc/[0-9]*/comm; echo end" >"$scratch/out" 2>&1
expect_in "$scratch/out" "status 143" "end"
expect_not_in "$scratch/out" '/proc/'

# Ctrl-C is for the command: what it does with it is in the trace.
on_kernel -- sh -c "env --default-signal=INT setsid -w '$kcovtool' trace --on native -- sh -c 'trap \"exit 9\" INT; kill -INT 0; sleep 5'; echo status \$?" >"$scratch/out" 2>&1
expect_in "$scratch/out" "status 9"
