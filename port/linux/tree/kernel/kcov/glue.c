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
#include <linux/jiffies.h>
#include <linux/kcov.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "glue.h"

void *kcov_glue_allocate(size_t bytes)
{
	/* A program may ask for any size: no warning when there is no such memory. */
	if (bytes > PAGE_SIZE)
		return __vmalloc(bytes, GFP_KERNEL | __GFP_NOWARN);
	return kmalloc(bytes, GFP_KERNEL);
}

/* The last reference may go in a soft interrupt, or with interrupts off (contract 33). */
static void release_pages_of(const void *memory)
{
	if (in_task() && !irqs_disabled())
		vfree(memory);
	else
		vfree_atomic(memory);
}

void kcov_glue_release(void *memory)
{
	if (is_vmalloc_addr(memory))
		release_pages_of(memory);
	else
		kfree(memory);
}

uint64_t *kcov_glue_allocate_area(size_t bytes)
{
	return vmalloc_user(bytes);
}

void kcov_glue_release_area(uint64_t *area)
{
	release_pages_of(area);
}

void kcov_glue_lock_init(void *lock, bool remote)
{
	/* The remote lock nests in a descriptor's: lockdep is to know them apart. */
	static struct lock_class_key of_descriptors, of_remote;

	spin_lock_init((spinlock_t *)lock);
	lockdep_set_class((spinlock_t *)lock, remote ? &of_remote : &of_descriptors);
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

bool kcov_glue_copy_from_user(void *destination, uintptr_t source, size_t bytes)
{
	return copy_from_user(destination, (const void __user *)source, bytes) == 0;
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

void kcov_remote_start(u64 handle)
{
	kcov_core_section_start(handle);
}
EXPORT_SYMBOL(kcov_remote_start);

void kcov_remote_stop(void)
{
	kcov_core_section_stop();
}
EXPORT_SYMBOL(kcov_remote_stop);

u64 kcov_common_handle(void)
{
	return kcov_core_common_handle();
}
EXPORT_SYMBOL(kcov_common_handle);

/* For modules, which are instrumented as the kernel is. */
EXPORT_SYMBOL(__sanitizer_cov_trace_pc);
#ifdef CONFIG_KCOV_ENABLE_COMPARISONS
EXPORT_SYMBOL(__sanitizer_cov_trace_cmp1);
EXPORT_SYMBOL(__sanitizer_cov_trace_cmp2);
EXPORT_SYMBOL(__sanitizer_cov_trace_cmp4);
EXPORT_SYMBOL(__sanitizer_cov_trace_cmp8);
EXPORT_SYMBOL(__sanitizer_cov_trace_const_cmp1);
EXPORT_SYMBOL(__sanitizer_cov_trace_const_cmp2);
EXPORT_SYMBOL(__sanitizer_cov_trace_const_cmp4);
EXPORT_SYMBOL(__sanitizer_cov_trace_const_cmp8);
EXPORT_SYMBOL(__sanitizer_cov_trace_switch);
#endif

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

#ifdef CONFIG_KCOV_SELFTEST
/*
 * Code of an interrupt that runs before the interrupt is accounted for would be taken
 * for the task's (contract 28). This task traces, does nothing that is instrumented for
 * 300 ms of timer interrupts, and must have recorded nothing.
 */
static void __init kcov_selftest(void)
{
	enum { WORDS = PAGE_SIZE / sizeof(u64) };
	void *descriptor = kcov_core_open();
	unsigned long begin;
	uint64_t *area;
	u64 before, after;

	if (!descriptor || kcov_core_control(descriptor, KCOV_INIT_TRACE, WORDS) ||
	    kcov_core_map(descriptor, 0, PAGE_SIZE, &area) ||
	    kcov_core_control(descriptor, KCOV_ENABLE, KCOV_TRACE_PC))
		panic("kcov: the self-test could not start to trace");
	/* Were another task to come between, to switch to it would be this one's own work. */
	preempt_disable();
	before = READ_ONCE(area[0]);
	begin = jiffies;
	while ((jiffies - begin) * MSEC_PER_SEC / HZ < 300)
		barrier();
	after = READ_ONCE(area[0]);
	preempt_enable();
	kcov_core_control(descriptor, KCOV_DISABLE, 0);
	if (after != before)
		panic("kcov: the self-test found %llu records of interrupts, first %ps",
		      after - before, (void *)(area[1 + before] + kcov_core_image_offset()));
	kcov_core_close(descriptor);
	pr_info("kcov: the self-test found no records of interrupts\n");
}
#else
static inline void kcov_selftest(void) { }
#endif

static int __init kcov_init(void)
{
	/* Sections in soft interrupts cannot allocate: one area a CPU (contract 35). */
	if (kcov_core_create(num_possible_cpus(), CONFIG_KCOV_IRQ_AREA_SIZE))
		pr_warn("kcov: no memory for remote coverage\n");
	/*
	 * 0600: it lays kernel addresses open. The file is never removed, so the
	 * variant without protection against removal is enough; the other would put
	 * instrumented debugfs code around every ioctl, and into every trace.
	 */
	debugfs_create_file_unsafe("kcov", 0600, NULL, NULL, &kcov_operations);
	kcov_create_site_files();
	kcov_selftest();
	/* Nobody traces yet: the self-test has woken the calls. */
	kcov_sleep_now();
	return 0;
}
device_initcall(kcov_init);
