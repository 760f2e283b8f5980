/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The "kernel" of examples/first.c, which traces a read(): an instrumented library whose
 * read() comes after libkcov_preload.so's and before the C library's.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t read(int fd, void *bytes, size_t count)
{
	if (fd < 0) {
		errno = EBADF;
		return -1;
	}
	return syscall(SYS_read, fd, bytes, count);
}
