// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Compiled with -fsanitize-coverage=trace-pc: prints each PC that its callback returns to.
#include <stdio.h>

void __sanitizer_cov_trace_pc(void);

__attribute__((no_sanitize_coverage)) void __sanitizer_cov_trace_pc(void)
{
	static int number;
	printf("%lx %d\n", (unsigned long)__builtin_return_address(0), number++);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		puts(argv[1]);
	else
		fflush(stdout);
	return argc > 1 ? 1 : 0;
}
