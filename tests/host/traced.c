/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The code that the tests trace, compiled with trace-pc by each compiler at hand,
 * under names of its own: TRACED(run) is gcc_run or clang_run. Never with
 * sanitizers, so that its records are the same in every build.
 */
#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)
#define TRACED(name) JOIN(COMPILER, name)

static volatile unsigned sink;

/* At least one record for each of the `times` rounds. */
void TRACED(run)(unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		if (i % 3 == 0)
			sink += 1;
		else
			sink ^= i;
	}
}

/* Takes one of two ways, which a trace must tell apart. */
unsigned TRACED(choose)(int way)
{
	if (way) {
		sink = 7;
		return sink * 3;
	}
	sink = 11;
	return sink + 5;
}
