// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Linux's side of kcov: the debugfs file and the services the core asks for. No
 * rule of kcov is decided here; each operation hands its arguments to the core.
 */
#include <linux/bug.h>
#include <linux/debugfs.h>
#include <linux/export.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kcov.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "glue.h"

void *kcov_glue_allocate(size_t bytes)
{
	return kzalloc(bytes, GFP_KERNEL);
}

void kcov_glue_release(void *memory)
{
	kfree(memory);
}

uint64_t *kcov_glue_allocate_area(size_t bytes)
{
	return vmalloc_user(bytes);
}

void kcov_glue_release_area(uint64_t *area)
{
	vfree(area);
}

void kcov_glue_lock_init(void *lock)
{
	spin_lock_init((spinlock_t *)lock);
}

unsigned long kcov_glue_lock(void *lock)
{
	unsigned long flags;

	spin_lock_irqsave((spinlock_t *)lock, flags);
	return flags;
}

void kcov_glue_unlock(void *lock, unsigned long flags)
{
	spin_unlock_irqrestore((spinlock_t *)lock, flags);
}

bool kcov_glue_copy_to_user(uintptr_t destination, const void *source, size_t bytes)
{
	return copy_to_user((void __user *)destination, source, bytes) == 0;
}

void kcov_glue_warn(const char *text)
{
	WARN(1, "%s\n", text);
}

void kcov_task_init(struct task_struct *task)
{
	kcov_core_task_init(&task->kcov, current->kcov.common_handle);
}

void kcov_task_exit(struct task_struct *task)
{
	kcov_core_task_exit(&task->kcov);
}

u64 kcov_common_handle(void)
{
	return in_task() ? current->kcov.common_handle : 0;
}
EXPORT_SYMBOL(kcov_common_handle);

EXPORT_SYMBOL(__sanitizer_cov_trace_pc);

static int kcov_open(struct inode *inode, struct file *file)
{
	void *descriptor = kcov_core_open();

	if (!descriptor)
		return -ENOMEM;
	file->private_data = descriptor;
	return nonseekable_open(inode, file);
}

static int kcov_release(struct inode *inode, struct file *file)
{
	kcov_core_close(file->private_data);
	return 0;
}

static long kcov_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	return kcov_core_control(file->private_data, command, argument);
}

static int kcov_mmap(struct file *file, struct vm_area_struct *vma)
{
	uint64_t *area;
	int error = kcov_core_map(file->private_data, vma->vm_pgoff,
				  vma->vm_end - vma->vm_start, &area);

	/* Maps the buffer's own pages and forbids mremap to grow the map (contract 9, 10). */
	return error ? error : remap_vmalloc_range(vma, area, 0);
}

static const struct file_operations kcov_operations = {
	.owner = THIS_MODULE,
	.open = kcov_open,
	.release = kcov_release,
	.unlocked_ioctl = kcov_ioctl,
	.compat_ioctl = kcov_ioctl,
	.mmap = kcov_mmap,
};

static int __init kcov_init(void)
{
	/*
	 * 0600: it lays kernel addresses open. The file is never removed, so the
	 * variant without protection against removal is enough; the other would put
	 * instrumented debugfs code around every ioctl, and into every trace.
	 */
	debugfs_create_file_unsafe("kcov", 0600, NULL, NULL, &kcov_operations);
	return 0;
}
device_initcall(kcov_init);
