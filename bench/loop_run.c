/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Measures for bench/loop; linked with the program that it makes, whose functions are in parts[].
 * A name that is defined says who collects: see loop_collectors.h.
 *   loop_run EXECUTED...   for each, of an input that executes so many edges, one line:
 *                          EXECUTED, nanoseconds of reset, run, collect, and of all three in one
 *                          loop, and how many edges (records, with KCOV) were collected
 * EXECUTED*TIMES is an input that executes each of these edges so many times.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PER_FUNCTION = 20, PER_PART = 250 };

typedef void function(unsigned which);

volatile unsigned sink;
extern function *const *const parts[];
extern const unsigned part_count;

#include "loop_collectors.h"

/* The input: which functions, spread over the program, which way at each of their branches. */
struct call {
	function *callee;
	unsigned which;
};

static struct call *calls;
static size_t call_count;
static unsigned times;

static void make_input(const char *text)
{
	char *rest;
	size_t executed = strtoul(text, &rest, 10), functions = (size_t)part_count * PER_PART;
	unsigned which = 1;

	times = *rest == '*' ? (unsigned)strtoul(rest + 1, NULL, 10) : 1;
	call_count = executed / PER_FUNCTION;
	if (call_count == 0 || call_count > functions)
		exit(2);
	free(calls);
	calls = calloc(call_count, sizeof *calls);
	for (size_t i = 0; i < call_count; i++) {
		size_t at = i * (functions / call_count);

		which = which * 1103515245 + 12345;
		calls[i].callee = parts[at / PER_PART][at % PER_PART];
		calls[i].which = which >> 8;
	}
}

static void run(void)
{
	for (unsigned round = 0; round < times; round++)
		for (size_t i = 0; i < call_count; i++)
			calls[i].callee(calls[i].which);
}

static double now(void)
{
	struct timespec time;

#ifdef __x86_64__
	/* Else what is measured goes on while the clock is read. */
	__builtin_ia32_lfence();
#endif
	clock_gettime(CLOCK_MONOTONIC, &time);
#ifdef __x86_64__
	__builtin_ia32_lfence();
#endif
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int less(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof *values, less);
	return values[count / 2];
}

/* For each measure so long, but not fewer samples, nor more. */
static const double enough = 30e6;
enum { LEAST = 5, MOST = 2000 };

static volatile size_t collected;

/* All three, without a look at the clock in between. */
static double loop(size_t loops)
{
	double start = now();

	for (size_t i = 0; i < loops; i++) {
		reset();
		run();
		collected = collect();
	}
	return (now() - start) / (double)loops;
}

static double whole_loop(void)
{
	static double samples[MOST];
	size_t count = 0, loops;
	double begin;

	loop(1);
	loops = 1 + (size_t)(200e3 / loop(1));
	for (begin = now(); count < LEAST || (count < MOST && now() - begin < enough); count++)
		samples[count] = loop(loops);
	return median(samples, count);
}

int main(int argc, char **argv)
{
	static double clock[MOST], resets[MOST], runs[MOST], collects[MOST];

	prepare();
	for (size_t i = 0; i < MOST; i++) {
		const double start = now();

		clock[i] = now() - start;
	}
	for (int i = 1; i < argc; i++) {
		double look = median(clock, MOST), begin, whole;
		size_t count = 0;

		make_input(argv[i]);
		whole = whole_loop();
		for (begin = now(); count < LEAST || (count < MOST && now() - begin < enough); count++) {
			double a = now(), b, c, d;

			reset();
			b = now();
			run();
			c = now();
			collected = collect();
			d = now();
			resets[count] = b - a - look;
			runs[count] = c - b - look;
			collects[count] = d - c - look;
		}
		printf("%s %.1f %.1f %.1f %.1f %zu\n", argv[i], median(resets, count), median(runs, count),
		       median(collects, count), whole, collected);
	}
	fprintf(stderr, "%zu edges were new\n", fresh); /* else nobody reads it */
	fflush(stdout);
	_exit(0); /* gcov would write its files once more */
}
