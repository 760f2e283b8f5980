// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Compiled to assembly only: kbuild turns the constants below into offsets.h, from
 * which the C++ side learns where things lie in the kernel's own structures.
 */
#include <linux/kbuild.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <asm/thread_info.h>

int main(void)
{
	DEFINE(KCOV_OFFSET_TASK_STATE, offsetof(struct task_struct, kcov));
	DEFINE(KCOV_SPINLOCK_SIZE, sizeof(spinlock_t));
	DEFINE(KCOV_SPINLOCK_ALIGN, __alignof__(spinlock_t));
	DEFINE(KCOV_HARD_INTERRUPT_MASK, HARDIRQ_MASK | NMI_MASK);
	DEFINE(KCOV_SOFT_INTERRUPT_MASK, SOFTIRQ_OFFSET);
#ifdef CONFIG_UML
	DEFINE(KCOV_THREAD_SIZE, THREAD_SIZE);
	DEFINE(KCOV_OFFSET_PREEMPT_COUNT, offsetof(struct thread_info, preempt_count));
#endif
	return 0;
}
