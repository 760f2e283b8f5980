// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The callbacks, and who calls everything.
int covered_all(int);
int left_out(int);
int below(int);
int low(int);

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
}

void __sanitizer_cov_trace_const_cmp4(unsigned, unsigned);
void __sanitizer_cov_trace_const_cmp4(unsigned a, unsigned b)
{
	(void)a;
	(void)b;
}

void __sanitizer_cov_trace_cmp4(unsigned, unsigned);
void __sanitizer_cov_trace_cmp4(unsigned a, unsigned b)
{
	(void)a;
	(void)b;
}

int main(int argc, char **argv)
{
	(void)argv;
	return covered_all(argc) + left_out(argc) + below(argc) + low(argc);
}
