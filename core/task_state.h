/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What each task carries for kcov. Plain C, because a C kernel embeds it in its
 * own task structure; a port finds it from the running task.
 *
 * Who touches it: only the task itself, in any of its contexts, once it runs (before
 * that its maker does, task_init()). Another task never reads or writes it (what
 * others may ask about, such as the number of dropped records, lives in the
 * descriptor). An interrupt on the same CPU may
 * come between any two instructions, hence the order below.
 *
 * Order: to start, fill every field, then a compiler barrier, then `mode`; to
 * stop, clear `mode`, then a compiler barrier, then the fields. The callback
 * reads `mode` first, then a compiler barrier, then the fields. So whoever sees
 * a tracing mode sees the area that belongs to it, interrupts included.
 *
 * A remote section of a soft interrupt borrows `mode` and `bound` of the task it
 * came upon, whatever the task was doing, and puts both back exactly as they were
 * before it returns (contract 36). So the task needs no lock against it.
 */
#ifndef KCOV_CORE_TASK_STATE_H
#define KCOV_CORE_TASK_STATE_H

#if defined(__KERNEL__) && !defined(__cplusplus)
#include <linux/types.h>
#else
#include <stdint.h>
#endif

/* Values of kcov_task_state.mode; the callbacks compare for equality. */
#define KCOV_MODE_OFF 0u
#define KCOV_MODE_TRACE_PC 1u
#define KCOV_MODE_TRACE_CMP 2u
/* Set while the scheduler switches away from or to the task: matches no mode. */
#define KCOV_MODE_IN_SWITCH 0x40000000u

/* Where the records of a task go, and what it owes for that. */
struct kcov_binding {
	/* The buffer; word 0 counts the records. */
	uint64_t *area;
	/* Records that fit into the area: a private copy, user space cannot reach it. */
	uint64_t capacity;
	/* Where records that did not fit are counted. */
	uint64_t *dropped;
	/* The descriptor, or null. The binding holds a reference to it. */
	void *descriptor;
	/* The descriptor's sequence number when this binding began (contract 35). */
	uint32_t sequence;
	/* 1: a remote section, whose area is its own; 0: the task enabled the descriptor. */
	uint32_t section;
};

struct kcov_task_state {
	/* The one word that is read when nobody traces. */
	uint32_t mode;
	/*
	 * Not 0 while `bound` is a remote section of a soft interrupt: then what the port's
	 * context_word() is in one, so that the callback compares the two.
	 */
	uint32_t soft_interrupt;
	struct kcov_binding bound;
	/* What the soft interrupt's section found, while there is one. */
	uint32_t saved_mode;
	struct kcov_binding saved;
	/* The descriptor this task enabled for remote coverage, or null; holds a reference. */
	void *remote;
	/* Handle that work done on behalf of this task is filed under; inherited. */
	uint64_t common_handle;
};

#endif
