// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The code that the tests look for in traces: instrumented, called by module.c in every
 * context, and calling nothing.
 */
#include <linux/compiler.h>

#include "target.h"

static volatile u32 kcov_test_sink;

noinline void kcov_test_target_begin(void)
{
}

/* Each call is a basic block, whatever becomes of the loop around it. */
static noinline void kcov_test_odd(void)
{
	kcov_test_sink += 3;
}

static noinline void kcov_test_even(void)
{
	kcov_test_sink ^= 5;
}

noinline void kcov_test_blocks(u64 rounds)
{
	u64 i;

	for (i = 0; i < rounds; i++) {
		if (i & 1)
			kcov_test_odd();
		else
			kcov_test_even();
	}
}

/*
 * Of each width: two variables, then a variable and a constant; at last a switch over
 * values that no compiler makes a chain of comparisons of.
 */
noinline void kcov_test_compare(u8 a1, u8 b1, u16 a2, u16 b2, u32 a4, u32 b4, u64 a8, u64 b8)
{
	u32 sum = 0;

	if (a1 == b1)
		sum += 1;
	if (a1 == 0x71)
		sum += 2;
	if (a2 == b2)
		sum += 4;
	if (a2 == 0x7172)
		sum += 8;
	if (a4 == b4)
		sum += 16;
	if (a4 == 0x71727374)
		sum += 32;
	if (a8 == b8)
		sum += 64;
	if (a8 == 0x7172737475767778)
		sum += 128;
	kcov_test_sink = sum;
	switch (a4) {
	case 0x101:
		kcov_test_sink = 1;
		break;
	case 0x2002:
		kcov_test_sink = 7;
		break;
	case 0x30303:
		kcov_test_sink = 5;
		break;
	case 0x4040404:
		kcov_test_sink = 9;
		break;
	case 0x50505050:
		kcov_test_sink = 2;
		break;
	}
}

noinline void kcov_test_target_end(void)
{
}
