/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a test asks of the kernel: instrumented code in a context of its choice, with and
 * without remote sections (/sys/kernel/debug/kcov_test). Valid C and C++.
 *
 * KCOV_TEST_RUN takes a program of steps. ENTER runs the `count` steps that follow it in
 * another context and goes on behind them when they have run; in the midst of it, the
 * context that entered waits in code that is not instrumented.
 */
#ifndef KCOV_TEST_H
#define KCOV_TEST_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

enum kcov_test_context {
	KCOV_TEST_TASK = 0,	/* the context that runs the step */
	KCOV_TEST_KTHREAD = 1,	/* from a task only, as is the next */
	KCOV_TEST_WORK = 2,
	KCOV_TEST_TASKLET = 3,	/* soft interrupts; from a task only */
	KCOV_TEST_TIMER = 4,
	KCOV_TEST_HARD = 5,	/* a timer's hard interrupt; from a task or a soft interrupt */
	KCOV_TEST_NMI = 6,	/* x86_64 only: EOPNOTSUPP elsewhere */
};

enum kcov_test_op {
	KCOV_TEST_END = 0,
	KCOV_TEST_ENTER = 1,	/* argument: context; count: steps */
	KCOV_TEST_BLOCKS = 2,	/* argument: how many rounds of instrumented code */
	KCOV_TEST_COMPARE = 3,	/* one comparison of each kind and width, see target.c */
	KCOV_TEST_START = 4,	/* argument: handle, of kcov_remote_start() */
	KCOV_TEST_STOP = 5,	/* kcov_remote_stop() */
	KCOV_TEST_HANDLE = 6,	/* kcov_common_handle() goes to `result` */
	KCOV_TEST_GATE = 7,	/* waits for KCOV_TEST_OPEN; in a task or kthread */
	KCOV_TEST_SLEEP = 8,	/* argument: milliseconds; in a task or kthread */
	KCOV_TEST_EXIT = 9,	/* ends the kthread there and then */
};

struct kcov_test_step {
	uint32_t op;
	uint32_t count;
	uint64_t argument;
};

#define KCOV_TEST_STEPS 24

struct kcov_test_program {
	uint32_t count;
	uint32_t asynchronous;	/* 1: in a kthread; KCOV_TEST_JOIN waits for its end */
	uint64_t result;
	struct kcov_test_step steps[KCOV_TEST_STEPS];
};

/* Canonical addresses, as in a trace. */
struct kcov_test_range {
	uint64_t begin;
	uint64_t end;
};

struct kcov_test_ranges {
	struct kcov_test_range target;		/* instrumented: target.c */
	struct kcov_test_range left_out;	/* not instrumented: a function of module.c */
	/* The beginnings of functions that contract 39 names; 0 to 0: none. */
	struct kcov_test_range scheduler[2];
	struct kcov_test_range slab;
	struct kcov_test_range trees;
	/* Frees an address space that nobody uses any more: for a dead task, the next one. */
	struct kcov_test_range mm_drop;
	/* Of a context switch, between the scheduler's two calls of kcov; empty where nothing of
	 * it is instrumented. */
	struct kcov_test_range switching;
};

#define KCOV_TEST_IOCTL(direction, number, type) \
	(((direction) << 30) | ((unsigned int)sizeof(type) << 16) | ('t' << 8) | (number))

/*
 * EINVAL: no such step here. ETIMEDOUT: a context did not come within 5 s. EXDEV: an
 * interrupt came upon another task than the one that asked for it.
 */
#define KCOV_TEST_RUN KCOV_TEST_IOCTL(3u, 1u, struct kcov_test_program)
#define KCOV_TEST_RANGES KCOV_TEST_IOCTL(2u, 2u, struct kcov_test_ranges)
/* Waits until the asynchronous program waits at its gate. */
#define KCOV_TEST_ARRIVED (('t' << 8) | 3u)
/* Lets it pass. */
#define KCOV_TEST_OPEN (('t' << 8) | 4u)
/* Waits for its end. */
#define KCOV_TEST_JOIN (('t' << 8) | 5u)

#endif
