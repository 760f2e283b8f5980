/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What sites_test.cpp traces, as libraries whose calls of the callbacks take all the forms
 * that there are. Never with sanitizers.
 */
#include <stdint.h>

static volatile unsigned sink;

/* Records the same PCs each time that `way` is the same, and others than for another. */
void sites_run(unsigned way);
void sites_run(unsigned way)
{
	for (unsigned i = 0; i < 4; i++) {
		switch ((way + i) % 5) {
		case 0: sink += 1; break;
		case 1: sink ^= i; break;
		case 2: sink *= 3; break;
		case 3: sink = way > 7 ? way - 7 : i; break;
		default: sink |= way;
		}
	}
}

/* Comparisons of each size, and a switch that is compiled as one. */
int sites_compare(uint64_t a, uint64_t b);
int sites_compare(uint64_t a, uint64_t b)
{
	int equal = (uint8_t)a == (uint8_t)b;

	equal += (uint16_t)a == (uint16_t)b;
	equal += (uint32_t)a == (uint32_t)b;
	equal += a == b;
	equal += (uint8_t)a == 17;
	equal += (uint16_t)a == 1717;
	equal += (uint32_t)a == 171717;
	equal += a == 17171717;
	return equal + (int)sink;
}

/*
 * A function that ends with a jump to the callback: the return address that the callback
 * finds is that of sites_leap()'s caller, which must go on calling it.
 */
volatile unsigned sites_leaps;
void sites_leap(void);
__asm__(".text\n"
	".globl sites_leap\n"
	".type sites_leap, @function\n"
	"sites_leap:\n"
	"	movq sites_leaps@GOTPCREL(%rip), %rax\n"
	"	incl (%rax)\n"
	"	jmp __sanitizer_cov_trace_pc@PLT\n"
	".size sites_leap, .-sites_leap\n");

unsigned sites_leap_often(unsigned times);
unsigned sites_leap_often(unsigned times)
{
	sites_leaps = 0;
	for (unsigned i = 0; i < times; i++)
		sites_leap();
	return sites_leaps;
}

/* The same for the same seed, by way of many sites, in front of instructions of many kinds. */
unsigned sites_compute(unsigned seed);
unsigned sites_compute(unsigned seed)
{
	static const char text[] = "dormant";
	uint64_t wide = seed;
	double real = 1.5;

	for (unsigned i = 0; i < 12; i++) {
		if (wide & 1)
			wide = wide * 0x9e3779b97f4a7c15 + 1;
		else
			wide ^= wide >> 7 | (uint64_t)text[i % 7] << 40;
		switch (wide % 9) {
		case 0: real += (double)i; break;
		case 1: wide += wide / (i + 3); break;
		case 2: real = -real; break;
		case 3: wide = wide << 3 | wide >> 61; break;
		case 4: wide ^= (uint64_t)(real * 8); break;
		case 5: wide += text[(wide >> 3) % 7]; break;
		default: wide -= i;
		}
		if (real > 40)
			real /= 3;
	}
	return (unsigned)(wide ^ wide >> 32) ^ (unsigned)(int64_t)(real * 64);
}
