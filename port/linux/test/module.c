// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * /sys/kernel/debug/kcov_test: runs the code of target.c, and remote sections, in the
 * contexts that a test asks for (kcov_test.h). The same on our kcov and on stock kcov.
 */
#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kcov.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#ifdef CONFIG_RANDOMIZE_BASE
#include <asm/setup.h>
#endif
#include <asm/switch_to.h>

#include "contexts.h"
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

static int run_steps(struct session *session, const struct kcov_test_step *steps, u32 count);

/* Steps that run in another context. */
struct part {
	struct session *session;
	const struct kcov_test_step *steps;
	u32 count;
};

static int run_part(void *argument)
{
	const struct part *part = argument;

	return run_steps(part->session, part->steps, part->count);
}

static int enter(struct session *session, u64 context, const struct kcov_test_step *steps,
		 u32 count)
{
	struct part part = { session, steps, count };

	return kcov_test_enter(context, run_part, &part);
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
		.mm_drop = beginning(__mmdrop),
#ifndef CONFIG_UML
		.switching = beginning(__switch_to),
#endif
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
	int error = kcov_test_contexts_init();

	if (error)
		return error;
	debugfs_create_file_unsafe("kcov_test", 0600, NULL, NULL, &test_operations);
	return 0;
}
late_initcall(test_init);
