/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The first program that one writes with kcov, against the kcov in the program
 * itself: which code does parse() execute for each of the arguments?
 *
 *   host_first 42 0x2a -7 | ...      (addr2line -e host_first names the PCs)
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <kcov/host.h>

#include "parse.h"

#define WORDS (64u << 10)

static void die(const char *what)
{
	perror(what);
	exit(1);
}

int main(int argc, char **argv)
{
	int fd = kcov_host_open(O_RDWR);
	if (fd < 0)
		die("kcov_host_open");
	if (kcov_host_ioctl(fd, KCOV_INIT_TRACE, WORDS))
		die("KCOV_INIT_TRACE");
	uint64_t *area = kcov_host_mmap(NULL, WORDS * sizeof(*area), PROT_READ | PROT_WRITE,
					MAP_SHARED, fd, 0);
	if (area == MAP_FAILED)
		die("kcov_host_mmap");

	for (int i = 1; i < argc; i++) {
		if (kcov_host_ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC))
			die("KCOV_ENABLE");
		__atomic_store_n(&area[0], 0, __ATOMIC_RELAXED);
		long value = parse(argv[i]);
		uint64_t count = __atomic_load_n(&area[0], __ATOMIC_RELAXED);
		if (kcov_host_ioctl(fd, KCOV_DISABLE, 0))
			die("KCOV_DISABLE");

		printf("parse(\"%s\") = %ld: %lu PCs\n", argv[i], value, (unsigned long)count);
		/* A PC is a return address: the call is one byte before it. */
		for (uint64_t j = 1; j <= count && j < WORDS; j++)
			printf("0x%lx\n", (unsigned long)area[j] - 1);
	}
	kcov_host_munmap(area, WORDS * sizeof(*area));
	kcov_host_close(fd);
	return 0;
}
