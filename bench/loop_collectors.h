/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * For loop_run.c: what resets and collects, in each of the ways that bench/loop compares.
 *   PLAIN        nothing: the program is not instrumented
 *   KCOV         kcov_host: a store resets; what is in the buffer is walked
 *   GCOV_FILES   gcov's own reset and dump, to files
 *   GCOV_MEMORY  gcov's counters, where they lie
 *   COUNTERS     clang's inline-8bit-counters, cleared and looked through as fuzzers do
 *   MAP          clang's trace-pc-guard, a byte for each guard, likewise
 *   LIST         clang's trace-pc-guard, whose callback lists each guard once
 * prepare() comes once; collect() returns how many edges (records, with KCOV) it found.
 */
/* What no earlier input had executed: what a fuzzer collects for. All of it is old but in the first. */
static unsigned char *seen;
static size_t fresh;

__attribute__((unused)) static inline void look_at(size_t edge)
{
	if (!seen[edge]) {
		seen[edge] = 1;
		fresh++;
	}
}

#if defined(PLAIN)
static void prepare(void) {}
static void reset(void) {}
static size_t collect(void) { return 0; }

#elif defined(KCOV)
#include <fcntl.h>
#include <kcov/host.h>
#include <sys/mman.h>

#define WORDS (1ul << 21)

static uint64_t *area;

/* A bit for each byte of the program, for PCs are addresses: 16 KiB for each 10 000 edges. */
static void prepare(void)
{
	extern char __executable_start, etext;
	int fd = kcov_host_open(O_RDWR);

	seen = calloc(1, (size_t)(&etext - &__executable_start) / 8 + 1);
	if (kcov_host_ioctl(fd, KCOV_INIT_TRACE, WORDS) != 0)
		exit(1);
	area = kcov_host_mmap(NULL, WORDS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (kcov_host_ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC) != 0)
		exit(1);
}

static void reset(void)
{
	__atomic_store_n(area, 0, __ATOMIC_RELAXED);
}

static size_t collect(void)
{
	size_t count = __atomic_load_n(area, __ATOMIC_RELAXED);

	if (count >= WORDS - 1)
		exit(3);
	for (size_t i = 1; i <= count; i++) {
		unsigned char bit = (unsigned char)(1u << (area[i] & 7));

		if (!(seen[area[i] >> 3] & bit)) {
			seen[area[i] >> 3] |= bit;
			fresh++;
		}
	}
	return count;
}

#elif defined(GCOV_FILES) || defined(GCOV_MEMORY)
/* gcc 12's and 13's; another's would be found out by `key`. */
struct counters {
	unsigned count;
	int64_t *values;
};

struct gcov_function {
	const void *key;
	unsigned ident, lines, graph;
	struct counters edges;
};

struct gcov_info {
	unsigned version;
	struct gcov_info *next;
	unsigned stamp, checksum;
	const char *file;
	void *merge[8];
	unsigned function_count;
	const struct gcov_function *const *functions;
};

extern struct gcov_info *__gcov_root;

#ifdef GCOV_FILES
/*
 * What gcov's interface offers. The files lie in memory, and reading them is not counted. They are
 * removed by the reset: else a dump adds to them, so that they are not of this input, and takes
 * twice the time.
 */
void __gcov_reset(void);
void __gcov_dump(void);

static char **names;
static size_t name_count;

static void prepare(void)
{
	const char *directory = getenv("GCOV_PREFIX");

	names = calloc(part_count, sizeof *names);
	for (struct gcov_info *info = __gcov_root; info && name_count < part_count; info = info->next)
		if (asprintf(&names[name_count++], "%s%s", directory ? directory : "", info->file) < 0)
			exit(1);
}

static void reset(void)
{
	for (size_t i = 0; i < name_count; i++)
		unlink(names[i]);
	__gcov_reset();
}

static size_t collect(void)
{
	__gcov_dump();
	return 0;
}

#else
/*
 * The least that gcov's counters can cost: no function of gcov's is called, the arrays are
 * cleared and looked through where they lie. The counters are of some edges only, from
 * which gcov computes the others; that is not counted.
 */
static struct counters *arrays;
static size_t array_count;

static void prepare(void)
{
	size_t total = 0;

	arrays = calloc((size_t)part_count * PER_PART, sizeof *arrays);
	for (struct gcov_info *info = __gcov_root; info; info = info->next)
		for (unsigned i = 0; i < info->function_count; i++) {
			if (info->functions[i]->key != info ||
			    array_count == (size_t)part_count * PER_PART)
				exit(4);
			arrays[array_count] = info->functions[i]->edges;
			total += arrays[array_count++].count;
		}
	seen = calloc(1, total);
}

static void reset(void)
{
	for (size_t i = 0; i < array_count; i++)
		memset(arrays[i].values, 0, arrays[i].count * sizeof *arrays[i].values);
}

static size_t collect(void)
{
	size_t count = 0, first = 0;

	for (size_t i = 0; i < array_count; first += arrays[i++].count)
		for (unsigned j = 0; j < arrays[i].count; j++)
			if (arrays[i].values[j]) {
				look_at(first + j);
				count++;
			}
	return count;
}

#endif

#else
#if defined(COUNTERS) || defined(MAP)
/* A byte for each edge: inline-8bit-counters' own, or a map that the callback of a guard fills. */
static unsigned char *bytes;
static size_t size;

static void reset(void)
{
	memset(bytes, 0, size);
}

/* Eight at a time, most of which are zero, as fuzzers do. */
static size_t collect(void)
{
	size_t count = 0, i = 0;

	for (; i + 8 <= size; i += 8) {
		uint64_t word;

		memcpy(&word, bytes + i, sizeof word);
		if (word)
			for (size_t j = i; j < i + 8; j++)
				if (bytes[j]) {
					look_at(j);
					count++;
				}
	}
	for (; i < size; i++)
		if (bytes[i]) {
			look_at(i);
			count++;
		}
	return count;
}
#endif

#if defined(COUNTERS)
void __sanitizer_cov_8bit_counters_init(unsigned char *start, unsigned char *end)
{
	bytes = start;
	size = (size_t)(end - start);
}

static void prepare(void)
{
	seen = calloc(1, size);
}
#else
static uint32_t *first_guard;
static size_t guard_count;

void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *end)
{
	first_guard = start;
	guard_count = (size_t)(end - start);
#ifdef MAP
	for (size_t i = 0; i < guard_count; i++)
		start[i] = (uint32_t)i;
#endif
}

#ifdef MAP
void __sanitizer_cov_trace_pc_guard(uint32_t *guard)
{
	bytes[*guard] = 1;
}

static void prepare(void)
{
	size = guard_count;
	bytes = calloc(1, size);
	seen = calloc(1, size);
}
#else
/* LIST: the first time in an input that a guard is met it goes on a list; a guard of this
   generation is on it. So reset, too, does not grow with the program. Of one thread only. */
static uint32_t generation = 1;
static uint32_t **list;
static size_t listed;

void __sanitizer_cov_trace_pc_guard(uint32_t *guard)
{
	if (*guard == generation)
		return;
	*guard = generation;
	list[listed++] = guard;
}

static void prepare(void)
{
	list = calloc(guard_count, sizeof *list);
	seen = calloc(1, guard_count);
}

static void reset(void)
{
	generation++;
	listed = 0;
}

static size_t collect(void)
{
	for (size_t i = 0; i < listed; i++)
		look_at((size_t)(list[i] - first_guard));
	return listed;
}
#endif
#endif
#endif
