// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Instrumented, but for what asks not to be.
#define __no_sanitize_coverage __attribute__((no_sanitize_coverage))
#define noinline __attribute__((noinline))
#define noinstr noinline __no_sanitize_coverage __attribute__((section(".noinstr.text")))

volatile int number;

static inline __attribute__((always_inline)) int twice(int a)
{
	return a > number ? a * 2 : number;
}

noinline int covered(int a)
{
	if (a == 7)
		number++;
	return twice(a) + 1;
}

static __no_sanitize_coverage
noinline int unwilling(int a)
{
	return a > number ? 3 : number;
}

noinstr int entry(int a)
{
	return a > number ? 4 : number;
}

noinline __attribute__((section(".init.text"))) int at_boot(int a)
{
	return a > number ? 8 : number;
}

int covered_all(int a)
{
	return at_boot(a) + covered(a) + unwilling(a) + entry(a);
}
