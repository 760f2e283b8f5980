#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# It works for an ordinary user as for root, and with a /dev/shm that is too small.
. "$(dirname "$0")/common.sh"

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
if [ "$(id -u)" = 0 ]; then
  cd /
  expect_status 0 as_user "$scratch/bin/kcovtool" lab run -- id -u
  [ "$(cat "$scratch/out")" = 0 ] || fail "not root in the machine"
  expect_status 0 as_user "$scratch/bin/kcovtool" trace -- true
  expect_in "$scratch/out" "execve "
  # Its root is the caller all the same: what the caller may not read, it may not.
  if [ ! -r /etc/shadow ] || ! setpriv --reuid=65534 --clear-groups test -r /etc/shadow; then
    expect_status 1 as_user "$scratch/bin/kcovtool" lab run -- cat /etc/shadow
  fi

  # Another file system in the place of /dev/shm: too small, or noexec.
  for options in size=1m noexec; do
    expect_status 0 unshare --mount sh -c "mount -t tmpfs -o $options none /dev/shm && exec '$kcovtool' lab run -- true"
  done

  # Where ptrace is forbidden, that is said.
  cat >"$scratch/no_ptrace.c" <<'C'
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {4, filter};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	return argc > 1 ? execv(argv[1], argv + 1) : 1;
}
C
  gcc -o "$scratch/no_ptrace" "$scratch/no_ptrace.c"
  expect_status 125 "$scratch/no_ptrace" "$kcovtool" lab run -- true
  expect_in "$scratch/err" "cannot start the machine: ptrace is forbidden here"
else
  expect_status 0 "$kcovtool" lab run -- true
fi
