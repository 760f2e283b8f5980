// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A function that ends with a jump to the callback, which so returns behind the call of that
// function: prints where to.
#include <stdio.h>

void __sanitizer_cov_trace_pc(void);
void jumps(void);
void returns(void);

static void *returned_to[8];
static int number;

__attribute__((noinline)) void __sanitizer_cov_trace_pc(void)
{
	returned_to[number++] = __builtin_return_address(0);
}

// Far from the callback, as in a kernel.
__attribute__((noinline, aligned(4096))) void jumps(void)
{
	__sanitizer_cov_trace_pc();
}

__attribute__((noinline)) void returns(void)
{
	__sanitizer_cov_trace_pc();
	__asm__ volatile("");
	jumps();
	__asm__ volatile("");
}

int main(void)
{
	returns();
	for (int i = 0; i < number; ++i)
		printf("%lx %d\n", (unsigned long)returned_to[i], i);
	return 0;
}
