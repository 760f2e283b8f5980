/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Measures for bench/dormant; linked with kcov_host and with the code that is measured.
 *   parse ROUNDS [trace]   prints the nanoseconds of one parse, the least of ROUNDS
 *   sites                  wakes and sleeps all that is in many(), and prints how that went
 */
#include <fcntl.h>
#include <kcov/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define WORDS (4ul << 20)

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int enabled(uint64_t **area)
{
	int fd = kcov_host_open(O_RDWR);

	if (kcov_host_ioctl(fd, KCOV_INIT_TRACE, WORDS) != 0)
		exit(1);
	*area = kcov_host_mmap(NULL, WORDS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return fd;
}

#ifdef SITES
void many(void);

int main(void)
{
	struct kcov_host_sites sites;
	uint64_t *area;
	int fd;
	double start = now();

	many();
	start = now() - start;
	kcov_host_get_sites(&sites);
	printf("%lu sites, learnt in %.0f ms (%.2f us each); %.3f bytes each\n", sites.sites,
	       start / 1e6, start / 1e3 / (double)sites.sites,
	       (double)sites.table_bytes / (double)sites.sites);
	fd = enabled(&area);
	for (int round = 0; round < 5; round++) {
		double wake = now(), sleep, first, second;

		if (kcov_host_ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC) != 0)
			return 1;
		wake = now() - wake;
		area[0] = 0;
		many();
		first = (double)area[0];
		sleep = now();
		kcov_host_ioctl(fd, KCOV_DISABLE, 0);
		sleep = now() - sleep;
		printf("wake %.2f ms, %.0f records, sleep %.3f ms", wake / 1e6, first, sleep / 1e6);
		first = now();
		many();
		first = now() - first;
		second = now();
		many();
		second = now() - second;
		printf(" and %.2f ms more in the first run after it\n", (first - second) / 1e6);
	}
	return 0;
}
#else
unsigned long parse(const char *text, size_t size);
void reset(void);

static uint64_t *area;
static int full;

/* Empties the buffer; also for code whose one run would not fit. */
void reset(void)
{
	if (__atomic_load_n(area, __ATOMIC_RELAXED) >= WORDS - 1)
		full = 1;
	__atomic_store_n(area, 0, __ATOMIC_RELAXED);
}

int main(int argc, char **argv)
{
	static char text[1 << 16];
	static const char item[] = "{\"name\": \"kcov\", \"list\": [1, 22, -333.5e7, true, null, "
				   "\"a\\\"b\"], \"more\": {\"deep\": [[[]]], \"x\": false}},";
	size_t size = 1;
	double best = 1e18;
	int rounds = argc > 1 ? atoi(argv[1]) : 1000;
	int fd = enabled(&area);

	text[0] = '[';
	while (size + sizeof item < sizeof text) {
		memcpy(text + size, item, sizeof item - 1);
		size += sizeof item - 1;
	}
	text[size - 1] = ']';
	parse(text, size);
	if (argc > 2 && kcov_host_ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC) != 0)
		return 1;
	for (int round = 0; round < rounds; round++) {
		double start;

		reset();
		start = now();
		if (parse(text, size) == 0)
			return 2;
		start = now() - start;
		if (start < best)
			best = start;
	}
	reset();
	if (full)
		return 3;
	printf("%.0f\n", best);
	return 0;
}
#endif
