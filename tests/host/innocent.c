/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A program that is compiled with trace-pc and linked with kcov_host, and otherwise
 * knows nothing of kcov. Its first argument says how it ends.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile unsigned sink;

/* A call is at least one record, however the compiler unrolls the loop. */
__attribute__((noinline)) static void step(unsigned i)
{
	sink += i & 1 ? 3 : i;
}

static void work(unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		step(i);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	if (getenv("KCOV_HOST_TRACE"))
		return 9;
	work(argc > 2 ? (unsigned)atoi(argv[2]) : 10);
	if (!strcmp(how, "is_closed"))
		return fcntl(atoi(argv[2]), F_GETFD) < 0 ? 0 : 8;
	if (!strcmp(how, "_exit"))
		_exit(0);
	if (!strcmp(how, "fork")) {
		if (fork() == 0) {
			work(100000);
			exit(0);
		}
	}
	return 0;
}
