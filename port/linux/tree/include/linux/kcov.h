/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * kcov as the rest of the kernel sees it: what fork, exit and the scheduler call.
 * The rules are in kernel/kcov/core, the system calls in kernel/kcov/glue.c.
 */
#ifndef _LINUX_KCOV_H
#define _LINUX_KCOV_H

#include <linux/sched.h>
#include <uapi/linux/kcov.h>

#ifdef CONFIG_KCOV

/* A new task starts untraced; it inherits the common handle (contract 31). */
void kcov_task_init(struct task_struct *task);

/* The calling task ends; call it before anything else of the exit path (contract 32). */
void kcov_task_exit(struct task_struct *task);

/* The common handle of the calling task, 0 where there is none (contract 31). */
u64 kcov_common_handle(void);

/* Nothing is recorded between the two: a switch is no function of inputs (contract 28). */
static inline void kcov_prepare_switch(struct task_struct *previous)
{
	previous->kcov.mode |= KCOV_MODE_IN_SWITCH;
}

static inline void kcov_finish_switch(struct task_struct *next)
{
	next->kcov.mode &= ~KCOV_MODE_IN_SWITCH;
}

/* What the compiler plants at every basic block. */
void __sanitizer_cov_trace_pc(void);

#else

static inline void kcov_task_init(struct task_struct *task) { }
static inline void kcov_task_exit(struct task_struct *task) { }
static inline u64 kcov_common_handle(void) { return 0; }
static inline void kcov_prepare_switch(struct task_struct *previous) { }
static inline void kcov_finish_switch(struct task_struct *next) { }

#endif

/*
 * Remote sections are not in this version: what calls these compiles, and work done on
 * behalf of a task elsewhere is not recorded.
 */
static inline void kcov_remote_start(u64 handle) { }
static inline void kcov_remote_stop(void) { }
static inline void kcov_remote_start_common(u64 id) { }
static inline void kcov_remote_start_usb(u64 id) { }
static inline void kcov_remote_start_usb_softirq(u64 id) { }
static inline void kcov_remote_stop_softirq(void) { }

#endif
