// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Runs a function in a context of the caller's choice, and waits for it. */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/workqueue.h>
#ifdef CONFIG_X86_LOCAL_APIC
#include <asm/apic.h>
#include <asm/nmi.h>
#endif

#include "contexts.h"
#include "kcov_test.h"

/* A function on its way into another context. */
struct entry {
	int (*run)(void *argument);
	void *argument;
	u64 context;
	int status;
	struct task_struct *came_upon;
	bool done;
	struct completion completion;
	struct work_struct work;
	struct tasklet_struct tasklet;
	struct timer_list timer;
	struct hrtimer hard;
};

static void run_entry(struct entry *entry)
{
	entry->status = entry->run(entry->argument);
}

/* In an interrupt, for which its caller spins: from the last line on the entry may be gone. */
static void run_interrupt(struct entry *entry)
{
	run_entry(entry);
	entry->came_upon = current;
	smp_store_release(&entry->done, true);
}

static int entry_kthread(void *argument)
{
	struct entry *entry = argument;

	run_entry(entry);
	complete(&entry->completion);
	return 0;
}

static void entry_work(struct work_struct *work)
{
	struct entry *entry = container_of(work, struct entry, work);

	run_entry(entry);
	complete(&entry->completion);
}

static void entry_tasklet(struct tasklet_struct *tasklet)
{
	run_interrupt(container_of(tasklet, struct entry, tasklet));
}

static void entry_timer(struct timer_list *timer)
{
	run_interrupt(container_of(timer, struct entry, timer));
}

/*
 * A tasklet is scheduled from here and not by the task: the soft interrupt then follows
 * this hard one, upon the same task, where a task's own request may wake ksoftirqd.
 */
static enum hrtimer_restart entry_hard(struct hrtimer *timer)
{
	struct entry *entry = container_of(timer, struct entry, hard);

	if (entry->context == KCOV_TEST_TASKLET)
		tasklet_schedule(&entry->tasklet);
	else
		run_interrupt(entry);
	return HRTIMER_NORESTART;
}

static void start_hard(struct entry *entry)
{
	hrtimer_init(&entry->hard, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	entry->hard.function = entry_hard;
	hrtimer_start(&entry->hard, ns_to_ktime(100000), HRTIMER_MODE_REL_PINNED_HARD);
}

#ifdef CONFIG_X86_LOCAL_APIC
static DEFINE_PER_CPU(struct entry *, entry_of_nmi);

static int entry_nmi(unsigned int type, struct pt_regs *regs)
{
	struct entry *entry = this_cpu_xchg(entry_of_nmi, NULL);

	if (!entry)
		return NMI_DONE;
	run_interrupt(entry);
	return NMI_HANDLED;
}
#endif

/* Waits without sleeping, so that the interrupt comes upon this very task. */
static int spin_until_done(struct entry *entry)
{
	u64 left = 5000000;

	while (!smp_load_acquire(&entry->done)) {
		if (!left--)
			return -ETIMEDOUT;
		udelay(1);
	}
	return 0;
}

static int enter_task(struct entry *entry)
{
	struct task_struct *kthread;

	init_completion(&entry->completion);
	if (entry->context == KCOV_TEST_WORK) {
		INIT_WORK(&entry->work, entry_work);
		schedule_work(&entry->work);
	} else {
		kthread = kthread_run(entry_kthread, entry, "kcov_test");
		if (IS_ERR(kthread))
			return PTR_ERR(kthread);
	}
	wait_for_completion(&entry->completion);
	if (entry->context == KCOV_TEST_WORK)
		flush_work(&entry->work);
	return entry->status;
}

/*
 * While this CPU's ksoftirqd is about to run, older kernels leave soft interrupts to it, and
 * they come upon no other task. Returns with preemption off: no other task comes in between.
 */
static int begin_interrupt(void)
{
	int tries;

	for (tries = 0; tries < 1000; tries++) {
		preempt_disable();
		if (READ_ONCE(this_cpu_ksoftirqd()->__state) != TASK_RUNNING)
			return 0;
		preempt_enable();
		schedule_timeout_uninterruptible(1);
	}
	return -ETIMEDOUT;
}

static int enter_interrupt(struct entry *entry)
{
	int status = 0;

	if (in_task())
		status = begin_interrupt();
	else
		preempt_disable();
	if (status)
		return status;
	switch (entry->context) {
	case KCOV_TEST_TASKLET:
		tasklet_setup(&entry->tasklet, entry_tasklet);
		start_hard(entry);
		break;
	case KCOV_TEST_TIMER:
		timer_setup(&entry->timer, entry_timer, TIMER_PINNED);
		mod_timer(&entry->timer, jiffies + 1);
		break;
	case KCOV_TEST_HARD:
		start_hard(entry);
		break;
#ifdef CONFIG_X86_LOCAL_APIC
	case KCOV_TEST_NMI:
		this_cpu_write(entry_of_nmi, entry);
		apic->send_IPI_mask(cpumask_of(smp_processor_id()), NMI_VECTOR);
		break;
#endif
	default:
		preempt_enable();
		return -EOPNOTSUPP;
	}
	status = spin_until_done(entry);
#ifdef CONFIG_X86_LOCAL_APIC
	this_cpu_write(entry_of_nmi, NULL);
#endif
	preempt_enable();
	switch (entry->context) {
	case KCOV_TEST_TASKLET:
		hrtimer_cancel(&entry->hard);
		tasklet_kill(&entry->tasklet);
		break;
	case KCOV_TEST_TIMER:
		del_timer_sync(&entry->timer);
		break;
	case KCOV_TEST_HARD:
		hrtimer_cancel(&entry->hard);
		break;
	}
	if (status)
		return status;
	return entry->came_upon == current ? entry->status : -EXDEV;
}

/* Tasks enter anything, a soft interrupt hard ones only, and those nothing. */
static bool may_enter(u64 context)
{
	return in_task() || (in_softirq() && !in_hardirq() && !in_nmi() &&
			     (context == KCOV_TEST_HARD || context == KCOV_TEST_NMI));
}

int kcov_test_enter(u64 context, int (*run)(void *argument), void *argument)
{
	struct entry *entry;
	int status;

	if (context == KCOV_TEST_TASK)
		return run(argument);
	if (!may_enter(context))
		return -EINVAL;
	entry = kzalloc(sizeof(*entry), GFP_ATOMIC);
	if (!entry)
		return -ENOMEM;
	entry->run = run;
	entry->argument = argument;
	entry->context = context;
	if (context == KCOV_TEST_KTHREAD || context == KCOV_TEST_WORK)
		status = enter_task(entry);
	else
		status = enter_interrupt(entry);
	kfree(entry);
	return status;
}

int __init kcov_test_contexts_init(void)
{
#ifdef CONFIG_X86_LOCAL_APIC
	return register_nmi_handler(NMI_LOCAL, entry_nmi, 0, "kcov_test");
#else
	return 0;
#endif
}
