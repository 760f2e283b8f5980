/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A program that knows nothing of kcov. Compiled with trace-pc and linked with kcov_host
 * it is traced from outside:
 *
 *   kcovtool trace --on host -- build/host_plain 0x2a
 */
#include <stdio.h>

#include "parse.h"

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		printf("%ld\n", parse(argv[i]));
	return 0;
}
