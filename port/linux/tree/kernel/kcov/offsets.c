// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Compiled to assembly only: kbuild turns the constants below into offsets.h, from
 * which the C++ side learns where things lie in the kernel's own structures.
 */
#include <linux/kbuild.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/version.h>
#include <asm/thread_info.h>
#ifdef CONFIG_UML
#include <as-layout.h>
#endif
#if defined(CONFIG_X86_64) && !defined(CONFIG_UML)
#include <asm/page_types.h>
#endif

int main(void)
{
	DEFINE(KCOV_OFFSET_TASK_STATE, offsetof(struct task_struct, kcov));
	DEFINE(KCOV_OFFSET_MODE, offsetof(struct kcov_task_state, mode));
	DEFINE(KCOV_SPINLOCK_SIZE, sizeof(spinlock_t));
	DEFINE(KCOV_SPINLOCK_ALIGN, __alignof__(spinlock_t));
	DEFINE(KCOV_HARD_INTERRUPT_MASK, HARDIRQ_MASK | NMI_MASK);
	DEFINE(KCOV_SOFT_INTERRUPT_MASK, SOFTIRQ_OFFSET);
#ifdef CONFIG_UML
	DEFINE(KCOV_THREAD_SIZE, THREAD_SIZE);
	DEFINE(KCOV_OFFSET_PREEMPT_COUNT, offsetof(struct thread_info, preempt_count));
	/* An entry is a task, or (6.1) a structure that ends with it. */
	DEFINE(KCOV_OFFSET_CPU_TASK, sizeof(cpu_tasks[0]) - sizeof(struct task_struct *));
#elif defined(CONFIG_X86_64)
	/* Where the image is linked to lie; it is put elsewhere at boot. */
	DEFINE(KCOV_LINK_ADDRESS, __START_KERNEL);
	/* In other series these are per-CPU variables of their own. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0) && LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
	DEFINE(KCOV_HOT_TASK, offsetof(struct pcpu_hot, current_task));
	DEFINE(KCOV_HOT_PREEMPT_COUNT, offsetof(struct pcpu_hot, preempt_count));
#endif
#endif
	return 0;
}
