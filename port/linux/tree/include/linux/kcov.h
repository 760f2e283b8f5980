/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * kcov as the rest of the kernel sees it: what fork, exit and the scheduler call.
 * The rules are in kernel/kcov/core, the system calls in kernel/kcov/glue.c.
 */
#ifndef _LINUX_KCOV_H
#define _LINUX_KCOV_H

#include <linux/kcov_task_switch.h>
#include <linux/preempt.h>
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
	kcov_begin_switch(&previous->kcov);
}

static inline void kcov_finish_switch(struct task_struct *next)
{
	kcov_end_switch(&next->kcov);
}

/*
 * Begins and ends a remote section: what this context executes between the two is
 * recorded for whoever enabled the handle (contract 34, 35). In tasks and soft
 * interrupts; does nothing in hard ones.
 */
void kcov_remote_start(u64 handle);
void kcov_remote_stop(void);

/*
 * What the compiler plants at every basic block, comparison and switch. Its own type of
 * 64 bits: the kernel's u64 is another one of that size, and the compiler would warn.
 */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_cmp1(u8 arg1, u8 arg2);
void __sanitizer_cov_trace_cmp2(u16 arg1, u16 arg2);
void __sanitizer_cov_trace_cmp4(u32 arg1, u32 arg2);
void __sanitizer_cov_trace_cmp8(__UINT64_TYPE__ arg1, __UINT64_TYPE__ arg2);
void __sanitizer_cov_trace_const_cmp1(u8 arg1, u8 arg2);
void __sanitizer_cov_trace_const_cmp2(u16 arg1, u16 arg2);
void __sanitizer_cov_trace_const_cmp4(u32 arg1, u32 arg2);
void __sanitizer_cov_trace_const_cmp8(__UINT64_TYPE__ arg1, __UINT64_TYPE__ arg2);
void __sanitizer_cov_trace_switch(__UINT64_TYPE__ value, void *cases);

/*
 * For kprobes, on x86_64 (kernel/kcov/text_x86_64.c): a call that is not made may be prefixes of
 * the instruction behind it.
 */
unsigned long kcov_recover_call(u8 *buffer, unsigned long address);
void kcov_probe_call(unsigned long address);

#else

static inline void kcov_task_init(struct task_struct *task) { }
static inline void kcov_task_exit(struct task_struct *task) { }
static inline u64 kcov_common_handle(void) { return 0; }
static inline void kcov_remote_start(u64 handle) { }
static inline void kcov_remote_stop(void) { }
static inline void kcov_prepare_switch(struct task_struct *previous) { }
static inline void kcov_finish_switch(struct task_struct *next) { }
static inline unsigned long kcov_recover_call(u8 *buffer, unsigned long address) { return 0; }
static inline void kcov_probe_call(unsigned long address) { }

#endif

/* Sections by subsystem and instance. */
static inline void kcov_remote_start_common(u64 instance)
{
	kcov_remote_start(kcov_remote_handle(KCOV_SUBSYSTEM_COMMON, instance));
}

static inline void kcov_remote_start_usb(u64 instance)
{
	kcov_remote_start(kcov_remote_handle(KCOV_SUBSYSTEM_USB, instance));
}

/*
 * For code that runs in soft interrupts or in tasks: a section in the first case only,
 * because a task that comes here may be in a section, or traced, already.
 */
static inline void kcov_remote_start_usb_softirq(u64 instance)
{
	if (in_serving_softirq() && !in_hardirq())
		kcov_remote_start_usb(instance);
}

static inline void kcov_remote_stop_softirq(void)
{
	if (in_serving_softirq() && !in_hardirq())
		kcov_remote_stop();
}

#endif
