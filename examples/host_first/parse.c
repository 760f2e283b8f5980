/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A parser with a few ways through it, to see them apart in a trace. */
#include "parse.h"

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return 99;
}

long parse(const char *text)
{
	unsigned long value = 0;
	int base = 10;
	int negative = 0;

	if (*text == '-') {
		negative = 1;
		text++;
	}
	if (text[0] == '0' && text[1] == 'x') {
		base = 16;
		text += 2;
	}
	for (; *text; text++) {
		int d = digit(*text);
		if (d >= base)
			return 0;
		value = value * (unsigned long)base + (unsigned long)d;
	}
	return (long)(negative ? 0 - value : value);
}
