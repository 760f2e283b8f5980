/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A client of a kernel's kcov that collects comparisons: what does the library compare
 * its input with? It prints the records, one a line: type, operands, PC.
 */
#include <fcntl.h>
#include <kcov/uapi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "parse.h"

#define WORDS (16 << 10)

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

int main(int argc, char **argv)
{
	uint64_t *buffer, count, i;
	uint32_t input = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 0;
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("open /sys/kernel/debug/kcov");
	if (ioctl(fd, KCOV_INIT_TRACE, WORDS) != 0)
		fail("KCOV_INIT_TRACE");
	buffer = mmap(NULL, WORDS * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (buffer == MAP_FAILED)
		fail("mmap");
	if (ioctl(fd, KCOV_ENABLE, KCOV_TRACE_CMP) != 0)
		fail("KCOV_ENABLE");
	__atomic_store_n(&buffer[0], 0, __ATOMIC_RELAXED);
	parse_is_magic(input);
	count = __atomic_load_n(&buffer[0], __ATOMIC_RELAXED);
	if (ioctl(fd, KCOV_DISABLE, 0) != 0)
		fail("KCOV_DISABLE");
	for (i = 0; i < count; i++) {
		const uint64_t *record = &buffer[1 + i * 4];

		printf("%llu 0x%llx 0x%llx 0x%llx\n", (unsigned long long)record[0],
		       (unsigned long long)record[1], (unsigned long long)record[2],
		       (unsigned long long)record[3]);
	}
	if (munmap(buffer, WORDS * sizeof(uint64_t)) != 0 || close(fd) != 0)
		fail("close");
	return 0;
}
