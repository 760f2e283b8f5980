/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * For code_test.sh: code in which much is alive at once across comparisons and branches, in general
 * registers and in vectors; floating point; a switch; leaf functions and deep calls; a jump back;
 * a variable number of arguments; arrays on the stack.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

unsigned long parse(const char *text, size_t size);

/* More than there are registers. */
static __attribute__((noinline)) uint64_t many(const unsigned char *at, size_t size)
{
	uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10, k = 11, l = 12;

	for (size_t n = 0; n < size; n++) {
		if (at[n] > 'a') a += b ^ n; else b += c + at[n];
		if (at[n] & 1) c ^= d + a; else d += e * 3;
		if (at[n] & 2) e += f ^ b; else f -= g;
		if (at[n] & 4) g ^= h + c; else h += i << 1;
		if (at[n] < '0') i += j ^ d; else j ^= k + n;
		if (a > b) k += l; else l ^= a + e;
	}
	return a ^ b * 3 ^ c * 5 ^ d * 7 ^ e * 11 ^ f * 13 ^ g * 17 ^ h * 19 ^ i * 23 ^ j * 29 ^ k * 31 ^ l;
}

static __attribute__((noinline)) double floats(const unsigned char *at, size_t size)
{
	double sum = 0, most = -1, scale = 1.5, mean = 0.25;
	float low = 3.5f, high = 0.5f;

	for (size_t n = 0; n < size; n++) {
		const double x = at[n] * scale;

		if (x > most) most = x + mean; else sum += x / 3;
		if ((float)x < low) low = (float)x; else high += 0.125f;
		if (sum > 1e6) { sum -= most; scale += 0.25; }
		mean = mean * 0.75 + x * 0.25;
	}
	return sum + most + mean + (double)low + (double)high + scale;
}

/* What a compiler makes vectors of, with a condition around. */
static __attribute__((noinline)) uint32_t vectors(const unsigned char *at, size_t size)
{
	uint32_t sums[64], other[64], all = 0;

	memset(sums, 0, sizeof sums);
	for (int i = 0; i < 64; i++)
		other[i] = (uint32_t)i * 2654435761u;
	for (size_t n = 0; n + 64 <= size; n += 16) {
		for (int i = 0; i < 64; i++)
			sums[i] += at[n + (size_t)i] * other[i];
		if (sums[n % 64] & 8)
			for (int i = 0; i < 64; i++)
				other[i] ^= sums[i] > other[i] ? sums[i] : 17;
	}
	for (int i = 0; i < 64; i++)
		all += sums[i] ^ other[i];
	return all;
}

static jmp_buf back;

static __attribute__((noinline)) unsigned long deep(const unsigned char *at, unsigned depth, unsigned long sum)
{
	if (depth == 0) {
		if (sum % 7 == 3)
			longjmp(back, (int)(sum % 1000) + 1);
		return sum;
	}
	switch (at[depth] % 11) {
	case 0: return deep(at, depth - 1, sum * 3) + depth;
	case 1: return deep(at, depth - 1, sum ^ depth) * 5;
	case 2: return deep(at, depth / 2, sum + 9) - 1;
	case 5: return deep(at, depth - 1, sum >> 1) ^ sum;
	case 9: return deep(at, depth - 1, sum - at[depth]);
	default: return deep(at, depth - 1, sum + at[depth - 1]);
	}
}

static __attribute__((noinline)) unsigned long arguments(int count, ...)
{
	unsigned long sum = 0;
	va_list list;

	va_start(list, count);
	for (int i = 0; i < count; i++)
		if (i % 3 == 2)
			sum += (unsigned long)(va_arg(list, double) * 8);
		else
			sum = sum * 31 + va_arg(list, unsigned long);
	va_end(list);
	return sum;
}

/* Nothing but a branch: where gcc calls nothing else it would keep data below the stack pointer. */
static __attribute__((noinline)) unsigned leaf(const unsigned char *at)
{
	volatile unsigned char local[24];
	unsigned sum = 0;

	for (unsigned i = 0; i < sizeof local; i++)
		local[i] = (unsigned char)(at[i] + i);
	for (unsigned i = 0; i < sizeof local; i++)
		if (local[i] & 1)
			sum = sum * 3 + local[i];
	return sum;
}

unsigned long parse(const char *text, size_t size)
{
	const unsigned char *const at = (const unsigned char *)text;
	volatile unsigned long sum = many(at, size);
	double real = floats(at, size);
	uint64_t bits;

	memcpy(&bits, &real, sizeof bits);
	sum ^= bits;
	sum += vectors(at, size);
	for (volatile unsigned i = 0; i < 20; i++) {
		const int jumped = setjmp(back);

		if (jumped)
			sum += (unsigned)jumped;
		else
			sum ^= deep(at + i, 200 + i, i);
		sum += leaf(at + i);
		sum = arguments(9, 1ul, sum, 2.5, 3ul, sum >> 7, 4.5, 5ul, 6ul, (double)i) + sum * 3;
	}
	return sum;
}
