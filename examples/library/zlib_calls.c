/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What each call of a real library executes. zlib is built with trace-pc; this
 * program compresses three texts and inflates them again, and prints for each call
 * how many PCs it recorded and how many different ones, and how many of those no
 * earlier call had: that last column is what steers a fuzzer.
 *
 * The tracing is switched on once. One call's coverage is what is in the buffer
 * between a store of 0 to word 0 and a load of it: no system call in between.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <kcov/host.h>

#include "zlib.h"

#define WORDS (1u << 20)
#define TEXT 20000u

static uint64_t *area;
static uint64_t sorted[WORDS];
/* The different PCs of all calls so far, in order. */
static uint64_t seen[WORDS];
static size_t seen_count;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int by_value(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static void begin(void)
{
	__atomic_store_n(&area[0], 0, __ATOMIC_RELAXED);
}

static void end(const char *call, const char *text)
{
	uint64_t count = __atomic_load_n(&area[0], __ATOMIC_RELAXED);
	size_t unique = 0, fresh = 0, before = seen_count;

	if (count > WORDS - 1)
		count = WORDS - 1;
	memcpy(sorted, area + 1, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), by_value);
	for (size_t i = 0; i < count; i++) {
		if (i && sorted[i] == sorted[i - 1])
			continue;
		unique++;
		if (!bsearch(&sorted[i], seen, before, sizeof(*seen), by_value)) {
			fresh++;
			if (seen_count < WORDS)
				seen[seen_count++] = sorted[i];
		}
	}
	qsort(seen, seen_count, sizeof(*seen), by_value);
	printf("%-12s %-10s %8lu PCs %6zu unique %6zu new\n", call, text, (unsigned long)count,
	       unique, fresh);
}

static void check(int result, int wanted, const char *call)
{
	if (result == wanted)
		return;
	fprintf(stderr, "%s: %d, wanted %d\n", call, result, wanted);
	exit(1);
}

/* Compresses and inflates `text`, one line for each call. */
static void round_trip(const char *name, const unsigned char *text, int level)
{
	static unsigned char packed[2 * TEXT], unpacked[TEXT];
	z_stream stream;
	int result;

	memset(&stream, 0, sizeof(stream));
	begin();
	result = deflateInit(&stream, level);
	end("deflateInit", name);
	check(result, Z_OK, "deflateInit");

	stream.next_in = (unsigned char *)text;
	stream.avail_in = TEXT;
	stream.next_out = packed;
	stream.avail_out = sizeof(packed);
	begin();
	result = deflate(&stream, Z_FINISH);
	end("deflate", name);
	check(result, Z_STREAM_END, "deflate");
	uLong size = stream.total_out;

	begin();
	result = deflateEnd(&stream);
	end("deflateEnd", name);
	check(result, Z_OK, "deflateEnd");

	memset(&stream, 0, sizeof(stream));
	begin();
	result = inflateInit(&stream);
	end("inflateInit", name);
	check(result, Z_OK, "inflateInit");

	stream.next_in = packed;
	stream.avail_in = (uInt)size;
	stream.next_out = unpacked;
	stream.avail_out = sizeof(unpacked);
	begin();
	result = inflate(&stream, Z_FINISH);
	end("inflate", name);
	check(result, Z_STREAM_END, "inflate");
	inflateEnd(&stream);
	check(memcmp(text, unpacked, TEXT), 0, "the text after the round trip");
}

int main(void)
{
	static unsigned char zeros[TEXT], words[TEXT], noise[TEXT];
	uint64_t dropped = 0;
	unsigned state = 1;
	int fd = kcov_host_open(O_RDWR);

	if (fd < 0)
		die("kcov_host_open");
	if (kcov_host_ioctl(fd, KCOV_INIT_TRACE, WORDS))
		die("KCOV_INIT_TRACE");
	area = kcov_host_mmap(NULL, WORDS * sizeof(*area), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			      0);
	if (area == MAP_FAILED)
		die("kcov_host_mmap");

	for (size_t i = 0; i < TEXT; i++) {
		state = state * 1103515245u + 12345u;
		words[i] = (unsigned char)"the quick brown fox "[(i + (state >> 28)) % 20];
		noise[i] = (unsigned char)(state >> 16);
	}
	if (kcov_host_ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC))
		die("KCOV_ENABLE");
	round_trip("zeros", zeros, 6);
	round_trip("words", words, 9);
	round_trip("noise", noise, 1);
	if (kcov_host_ioctl(fd, KCOV_DISABLE, 0))
		die("KCOV_DISABLE");
	if (kcov_host_ioctl(fd, KCOV_GET_DROPPED, (unsigned long)&dropped))
		die("KCOV_GET_DROPPED");
	printf("%zu different PCs, %lu records dropped\n", seen_count, (unsigned long)dropped);
	kcov_host_close(fd);
	return 0;
}
