/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* An instrumented library, for unmodified clients to trace. */
#include "parse.h"

static volatile unsigned sink;

/* At least one record for each round. */
void parse_run(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		if (i % 3 == 0)
			sink += 1;
		else
			sink ^= i;
	}
}

int parse_number(const char *text, unsigned bytes)
{
	int value = 0;

	for (unsigned i = 0; i < bytes; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + text[i] - '0';
	}
	return value;
}

int parse_is_magic(uint32_t word)
{
	return word == 0xfee1dead;
}
