// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * /sys/kernel/debug/kcov_test: runs the code of target.c, and remote sections, in the
 * contexts that a test asks for (kcov_test.h). The same on our kcov and on stock kcov.
 */
#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/jiffies.h>
#include <linux/kcov.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>
#ifdef CONFIG_X86_LOCAL_APIC
#include <asm/apic.h>
#include <asm/nmi.h>
#endif
#ifdef CONFIG_RANDOMIZE_BASE
#include <asm/setup.h>
#endif

#include "kcov_test.h"
#include "target.h"

/* One open file: a program, and the gate of an asynchronous one. */
struct session {
	struct kcov_test_program program;
	struct task_struct *kthread;
	struct completion arrived;
	struct completion opened;
	struct completion ended;
	bool running;
	int status;
};

/* Steps on their way into another context. */
struct entry {
	struct session *session;
	const struct kcov_test_step *steps;
	u32 count;
	int status;
	bool done;
	struct completion completion;
	struct work_struct work;
	struct tasklet_struct tasklet;
	struct timer_list timer;
	struct hrtimer hard;
};

static int run_steps(struct session *session, const struct kcov_test_step *steps, u32 count);

static void run_entry(struct entry *entry)
{
	entry->status = run_steps(entry->session, entry->steps, entry->count);
	/* The waiting side may go on, and the entry be gone, from here on. */
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
	run_entry(container_of(tasklet, struct entry, tasklet));
}

static void entry_timer(struct timer_list *timer)
{
	run_entry(container_of(timer, struct entry, timer));
}

static enum hrtimer_restart entry_hard(struct hrtimer *timer)
{
	run_entry(container_of(timer, struct entry, hard));
	return HRTIMER_NORESTART;
}

#ifdef CONFIG_X86_LOCAL_APIC
static struct entry *entry_of_nmi;

static int entry_nmi(unsigned int type, struct pt_regs *regs)
{
	struct entry *entry = xchg(&entry_of_nmi, NULL);

	if (!entry)
		return NMI_DONE;
	run_entry(entry);
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

static int enter_task(struct entry *entry, u64 context)
{
	struct task_struct *kthread;

	if (!in_task())
		return -EINVAL;
	init_completion(&entry->completion);
	if (context == KCOV_TEST_WORK) {
		INIT_WORK(&entry->work, entry_work);
		schedule_work(&entry->work);
	} else {
		kthread = kthread_run(entry_kthread, entry, "kcov_test");
		if (IS_ERR(kthread))
			return PTR_ERR(kthread);
	}
	wait_for_completion(&entry->completion);
	if (context == KCOV_TEST_WORK)
		flush_work(&entry->work);
	return entry->status;
}

static int enter_interrupt(struct entry *entry, u64 context)
{
	int late;

	if (!in_task() && context != KCOV_TEST_HARD && context != KCOV_TEST_NMI)
		return -EINVAL;
	switch (context) {
	case KCOV_TEST_TASKLET:
		tasklet_setup(&entry->tasklet, entry_tasklet);
		tasklet_schedule(&entry->tasklet);
		late = spin_until_done(entry);
		tasklet_kill(&entry->tasklet);
		break;
	case KCOV_TEST_TIMER:
		timer_setup(&entry->timer, entry_timer, TIMER_PINNED);
		mod_timer(&entry->timer, jiffies + 1);
		late = spin_until_done(entry);
		del_timer_sync(&entry->timer);
		break;
	case KCOV_TEST_HARD:
		hrtimer_init(&entry->hard, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
		entry->hard.function = entry_hard;
		hrtimer_start(&entry->hard, ns_to_ktime(100000), HRTIMER_MODE_REL_PINNED_HARD);
		late = spin_until_done(entry);
		hrtimer_cancel(&entry->hard);
		break;
#ifdef CONFIG_X86_LOCAL_APIC
	case KCOV_TEST_NMI:
		preempt_disable();
		WRITE_ONCE(entry_of_nmi, entry);
		apic->send_IPI_mask(cpumask_of(smp_processor_id()), NMI_VECTOR);
		late = spin_until_done(entry);
		WRITE_ONCE(entry_of_nmi, NULL);
		preempt_enable();
		break;
#endif
	default:
		return -EOPNOTSUPP;
	}
	return late ? late : entry->status;
}

static int enter(struct session *session, u64 context, const struct kcov_test_step *steps,
		 u32 count)
{
	struct entry *entry;
	int status;

	if (context == KCOV_TEST_TASK)
		return run_steps(session, steps, count);
	entry = kzalloc(sizeof(*entry), GFP_ATOMIC);
	if (!entry)
		return -ENOMEM;
	entry->session = session;
	entry->steps = steps;
	entry->count = count;
	if (context == KCOV_TEST_KTHREAD || context == KCOV_TEST_WORK)
		status = enter_task(entry, context);
	else
		status = enter_interrupt(entry, context);
	kfree(entry);
	return status;
}

static int run_steps(struct session *session, const struct kcov_test_step *steps, u32 count)
{
	int status = 0;
	u32 i;

	for (i = 0; i < count && !status; i++) {
		const struct kcov_test_step *step = &steps[i];

		switch (step->op) {
		case KCOV_TEST_ENTER:
			if (step->count >= count - i)
				return -EINVAL;
			status = enter(session, step->argument, step + 1, step->count);
			i += step->count;
			break;
		case KCOV_TEST_BLOCKS:
			kcov_test_blocks(step->argument);
			break;
		case KCOV_TEST_COMPARE:
			kcov_test_compare(0xf1, 0xf2, 0xf1f2, 0xf3f4, 0xf1f2f3f4, 0xf5f6f7f8,
					  0xf1f2f3f4f5f6f7f8, 0xf9fafbfcfdfeff00);
			break;
		case KCOV_TEST_START:
			kcov_remote_start(step->argument);
			break;
		case KCOV_TEST_STOP:
			kcov_remote_stop();
			break;
		case KCOV_TEST_HANDLE:
			session->program.result = kcov_common_handle();
			break;
		case KCOV_TEST_GATE:
			if (!in_task())
				return -EINVAL;
			complete(&session->arrived);
			wait_for_completion(&session->opened);
			break;
		case KCOV_TEST_SLEEP:
			if (!in_task())
				return -EINVAL;
			msleep(step->argument);
			break;
		case KCOV_TEST_EXIT:
			if (!(current->flags & PF_KTHREAD) || current != session->kthread)
				return -EINVAL;
			kthread_complete_and_exit(&session->ended, 0);
			break;
		default:
			return -EINVAL;
		}
	}
	return status;
}

static int run_asynchronous(void *argument)
{
	struct session *session = argument;

	WRITE_ONCE(session->kthread, current);
	session->status = run_steps(session, session->program.steps, session->program.count);
	kthread_complete_and_exit(&session->ended, 0);
}

static int join(struct session *session)
{
	if (!session->running)
		return -EINVAL;
	wait_for_completion(&session->ended);
	session->running = false;
	return session->status;
}

static int run_program(struct session *session, struct kcov_test_program __user *argument)
{
	struct task_struct *kthread;
	int status;

	if (session->running)
		return -EBUSY;
	if (copy_from_user(&session->program, argument, sizeof(session->program)))
		return -EFAULT;
	if (session->program.count > KCOV_TEST_STEPS)
		return -EINVAL;
	session->status = 0;
	session->kthread = NULL;
	reinit_completion(&session->arrived);
	reinit_completion(&session->opened);
	reinit_completion(&session->ended);
	if (session->program.asynchronous) {
		kthread = kthread_run(run_asynchronous, session, "kcov_test");
		if (IS_ERR(kthread))
			return PTR_ERR(kthread);
		session->running = true;
		return 0;
	}
	status = run_steps(session, session->program.steps, session->program.count);
	if (!status && put_user(session->program.result, &argument->result))
		return -EFAULT;
	return status;
}

static u64 canonical(void *address)
{
#ifdef CONFIG_RANDOMIZE_BASE
	return (u64)address - kaslr_offset();
#else
	return (u64)address;
#endif
}

static struct kcov_test_range beginning(void *function)
{
	return (struct kcov_test_range){ canonical(function), canonical(function) + 32 };
}

static long test_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct session *session = file->private_data;
	struct kcov_test_ranges ranges = {
		.target = { canonical(kcov_test_target_begin), canonical(kcov_test_target_end) },
		.left_out = beginning(run_steps),
		.scheduler = { beginning(schedule), beginning(wake_up_process) },
		.slab = beginning(kfree),
		.trees = beginning(rb_erase),
	};

	switch (command) {
	case KCOV_TEST_RUN:
		return run_program(session, (struct kcov_test_program __user *)argument);
	case KCOV_TEST_RANGES:
		return copy_to_user((void __user *)argument, &ranges, sizeof(ranges)) ? -EFAULT : 0;
	case KCOV_TEST_ARRIVED:
		if (!session->running)
			return -EINVAL;
		wait_for_completion(&session->arrived);
		return 0;
	case KCOV_TEST_OPEN:
		complete(&session->opened);
		return 0;
	case KCOV_TEST_JOIN:
		return join(session);
	default:
		return -ENOTTY;
	}
}

static int test_open(struct inode *inode, struct file *file)
{
	struct session *session = kzalloc(sizeof(*session), GFP_KERNEL);

	if (!session)
		return -ENOMEM;
	init_completion(&session->arrived);
	init_completion(&session->opened);
	init_completion(&session->ended);
	file->private_data = session;
	return 0;
}

static int test_release(struct inode *inode, struct file *file)
{
	struct session *session = file->private_data;

	if (session->running) {
		complete_all(&session->opened);
		join(session);
	}
	kfree(session);
	return 0;
}

static const struct file_operations test_operations = {
	.owner = THIS_MODULE,
	.open = test_open,
	.release = test_release,
	.unlocked_ioctl = test_ioctl,
};

static int __init test_init(void)
{
#ifdef CONFIG_X86_LOCAL_APIC
	int error = register_nmi_handler(NMI_LOCAL, entry_nmi, 0, "kcov_test");

	if (error)
		return error;
#endif
	debugfs_create_file_unsafe("kcov_test", 0600, NULL, NULL, &test_operations);
	return 0;
}
late_initcall(test_init);
