/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * For code_test.sh: runs parse() untraced, so that its calls are learnt and unmade, and traced; and prints
 * what it computed and what was recorded. As much as is the same of any build of the code: how many
 * PCs, and of comparisons all but the PC and what is an address.
 */
#include <fcntl.h>
#include <kcov/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define WORDS (16ul << 20)

unsigned long parse(const char *text, size_t size);

static uint64_t hash_of(const uint64_t *records, uint64_t count)
{
	uint64_t hash = 14695981039346656037u;

	for (uint64_t i = 0; i < count; i++, records += 4)
		for (int word = 0; word < 3; word++)
			hash = (hash ^ (records[word] >> 40 ? 1 : records[word])) * 1099511628211u;
	return hash;
}

int main(void)
{
	static char text[20000];
	static const char item[] = "{\"name\": \"kcov\", \"list\": [1, 22, -333.5e7, true, null, "
				   "\"a\\\"b\"], \"more\": {\"deep\": [[[]]], \"x\": false}},";
	size_t size = 1;
	int fd = kcov_host_open(O_RDWR);
	uint64_t *area;

	if (kcov_host_ioctl(fd, KCOV_INIT_TRACE, WORDS) != 0)
		return 1;
	area = kcov_host_mmap(NULL, WORDS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	text[0] = '[';
	for (; size + sizeof item < sizeof text; size += sizeof item - 1)
		for (size_t i = 0; i + 1 < sizeof item; i++)
			text[size + i] = item[i];
	text[size - 1] = ']';

	for (int round = 0; round < 3; round++) {
		uint64_t count;

		printf("%lx", parse(text, size));
		printf(" %lx\n", parse(text, size));
		if (kcov_host_ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC) != 0)
			return 2;
		area[0] = 0;
		printf("%lx", parse(text, size));
		count = area[0];
		kcov_host_ioctl(fd, KCOV_DISABLE, 0);
		printf(" %lu PCs\n", count);
		if (kcov_host_ioctl(fd, KCOV_ENABLE, KCOV_TRACE_CMP) != 0)
			return 3;
		area[0] = 0;
		printf("%lx", parse(text, size));
		count = area[0];
		kcov_host_ioctl(fd, KCOV_DISABLE, 0);
		printf(" %lu comparisons: %lx\n", count, hash_of(area + 1, count));
		if (count == 0 || count >= WORDS / 4 - 1)
			return 4;
	}
	return 0;
}
