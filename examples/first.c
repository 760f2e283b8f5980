/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The first kcov program: which kernel code does read(-1, NULL, 0) execute? Prints the
 * PCs, one a line; `kcovtool symbolize` names them. Plain C, on <kcov/uapi.h> alone.
 */
#include <fcntl.h>
#include <kcov/uapi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define WORDS (64 << 10)

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

int main(void)
{
	uint64_t *buffer, count, i;
	int fd = open("/sys/kernel/debug/kcov", O_RDWR);

	if (fd < 0)
		fail("open /sys/kernel/debug/kcov");
	if (ioctl(fd, KCOV_INIT_TRACE, WORDS) != 0)
		fail("KCOV_INIT_TRACE");
	buffer = mmap(NULL, WORDS * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (buffer == MAP_FAILED)
		fail("mmap");
	if (ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC) != 0)
		fail("KCOV_ENABLE");

	/* From here on this thread's kernel code is recorded. Forget the ioctl's own end. */
	__atomic_store_n(&buffer[0], 0, __ATOMIC_RELAXED);
	(void)!read(-1, NULL, 0);
	count = __atomic_load_n(&buffer[0], __ATOMIC_RELAXED);

	if (ioctl(fd, KCOV_DISABLE, 0) != 0)
		fail("KCOV_DISABLE");
	for (i = 0; i < count && i < WORDS - 1; i++)
		printf("0x%llx\n", (unsigned long long)buffer[1 + i]);
	return 0;
}
