/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Measures for bench/threads: threads that trace at once, each into a buffer of its own, and the
 * same threads at the same work without instrumentation. Linked with kcov_host and with
 * the parser of bench/dormant twice, as parse() with instrumentation and plain_parse() without.
 *   threads_run KIND THREADS BYTES   KIND: traced, plain, or beside: one traces, the others do not
 *   prints parses in a second, of all threads, of the slowest and of the fastest; nanoseconds of CPU
 *          time of one parse, of all threads, of the first and of the last; records of one parse
 * A thread parses a text of so many bytes again and again, the buffer reset before each.
 */
#include <fcntl.h>
#include <kcov/host.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { MOST = 64 };

unsigned long parse(const char *text, size_t size);
unsigned long plain_parse(const char *text, size_t size);

/* What all threads do takes one thread so long, and what one does not less than this. */
static const double enough = 200e6, least = 20e6;

static char *text;
static size_t size, words, rounds;
static const char *kind;
static pthread_barrier_t ready;

struct worker {
	pthread_t thread;
	int number;
	double start, end, cpu;
	uint64_t records;
} __attribute__((aligned(128)));

static struct worker workers[MOST];

static double clock_of(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static double now(void)
{
	return clock_of(CLOCK_MONOTONIC);
}

static void make_text(size_t bytes)
{
	static const char item[] = "{\"name\": \"kcov\", \"list\": [1, 22, -333.5e7, true, null, "
				   "\"a\\\"b\"], \"more\": {\"deep\": [[[]]], \"x\": false}},";

	text = malloc(bytes);
	text[0] = '[';
	for (size = 1; size + sizeof item < bytes; size += sizeof item - 1)
		memcpy(text + size, item, sizeof item - 1);
	text[size - 1] = ']';
}

static void *work(void *argument)
{
	struct worker *self = argument;
	int plain = strcmp(kind, "plain") == 0;
	int traces = !plain && (strcmp(kind, "traced") == 0 || self->number == 0);
	unsigned long (*code)(const char *, size_t) = plain ? plain_parse : parse;
	uint64_t unused = 0, *area = &unused;

	if (traces) {
		int fd = kcov_host_open(O_RDWR);

		if (kcov_host_ioctl(fd, KCOV_INIT_TRACE, words) != 0)
			exit(1);
		area = kcov_host_mmap(NULL, words * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (area == MAP_FAILED || kcov_host_ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC) != 0)
			exit(1);
	}
	/* The buffer's pages come with the first run. */
	if (code(text, size) == 0)
		exit(2);
	pthread_barrier_wait(&ready);
	self->start = now();
	self->cpu = clock_of(CLOCK_THREAD_CPUTIME_ID);
	for (size_t round = 0; round < rounds; round++) {
		__atomic_store_n(area, 0, __ATOMIC_RELAXED);
		if (code(text, size) == 0)
			exit(2);
	}
	self->cpu = (clock_of(CLOCK_THREAD_CPUTIME_ID) - self->cpu) / (double)rounds;
	self->end = now();
	self->records = area[0];
	if (traces && self->records >= words - 1)
		exit(3);
	pthread_barrier_wait(&ready); /* nobody's end disturbs another's work */
	return NULL;
}

int main(int argc, char **argv)
{
	double one = 1e18, start = 1e18, end = 0, slowest = 1e18, fastest = 0, cpu = 0;
	int threads;

	if (argc != 4 || (threads = atoi(argv[2])) < 1 || threads > MOST)
		return 1;
	kind = argv[1];
	make_text(strtoul(argv[3], NULL, 10));
	words = 8 * size / 512 * 512; /* more than a parse takes; whole pages, else there is no map */
	/* How many rounds that is: by the plain code, of which tracing takes some ten times the time. */
	for (int i = 0; i < 7; i++) {
		double before = now();

		if (plain_parse(text, size) == 0)
			return 2;
		before = now() - before;
		if (before < one)
			one = before;
	}
	one *= strcmp(kind, "plain") == 0 ? 1 : 10;
	rounds = 1 + (size_t)((enough / threads > least ? enough / threads : least) / one);
	pthread_barrier_init(&ready, NULL, (unsigned)threads);
	for (int i = 0; i < threads; i++) {
		workers[i].number = i;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			return 1;
	}
	for (int i = 0; i < threads; i++) {
		double rate;

		pthread_join(workers[i].thread, NULL);
		rate = (double)rounds / (workers[i].end - workers[i].start) * 1e9;
		start = workers[i].start < start ? workers[i].start : start;
		end = workers[i].end > end ? workers[i].end : end;
		slowest = rate < slowest ? rate : slowest;
		fastest = rate > fastest ? rate : fastest;
		cpu += workers[i].cpu / threads;
	}
	printf("%.2f %.2f %.2f %.1f %.1f %.1f %lu\n",
	       (double)threads * (double)rounds / (end - start) * 1e9, slowest, fastest, cpu,
	       workers[0].cpu, workers[threads - 1].cpu, (unsigned long)workers[0].records);
	return 0;
}
