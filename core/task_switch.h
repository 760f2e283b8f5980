/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * For the scheduler, in C: between the two nothing of either task is recorded (contract 28).
 * Apart from task_state.h, which all of a kernel includes with its task.
 */
#ifndef KCOV_CORE_TASK_SWITCH_H
#define KCOV_CORE_TASK_SWITCH_H

#ifdef __KERNEL__
#include <linux/kcov_task_state.h>
#else
#include "task_state.h"
#endif

/* The scheduler begins to switch away from `task`. */
static inline void kcov_begin_switch(struct kcov_task_state *task)
{
	task->mode |= KCOV_MODE_IN_SWITCH;
}

/* It has switched to `task`. */
static inline void kcov_end_switch(struct kcov_task_state *task)
{
	task->mode &= ~KCOV_MODE_IN_SWITCH;
	/* A section that was left behind in between gives it back later (contract 36). */
	if (task->soft_interrupt != 0)
		task->saved_mode &= ~KCOV_MODE_IN_SWITCH;
}

#endif
