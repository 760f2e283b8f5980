/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The instrumented code of handlers.c. */
static volatile unsigned sink;

void handlers_run(unsigned rounds)
{
	while (rounds-- != 0)
		sink += rounds;
}
