#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Where ptrace is forbidden, that is said.
. "$(dirname "$0")/common.sh"

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
