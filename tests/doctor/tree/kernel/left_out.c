// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Compiled without instrumentation, as the Makefile says.
extern volatile int number;

static inline __attribute__((always_inline)) int inlined_where_nothing_calls(int a)
{
	return a > number ? 9 : number;
}

__attribute__((noinline)) int left_out(int a)
{
	return a > number ? 5 : inlined_where_nothing_calls(a);
}
