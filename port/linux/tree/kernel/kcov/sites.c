// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Makes and unmakes the calls of the callbacks in the kernel's text. When is the core's affair
 * (core/dormancy.hpp); where they lie is in tables that the assembler made (sites.h), one of
 * the kernel and one of each module.
 *
 * A call is five bytes, e8 and where to. Unmade it is a9 with the same four bytes: "test",
 * which compares %eax with a constant and changes nothing but the flags, and these a call does
 * not keep either. So one byte changes, and whoever runs through it while that happens, on
 * this CPU or another one, meets one of two whole instructions of the same length: there is no
 * state in between, hence no breakpoint and no stopping of other CPUs. Where a call goes to
 * stays in place, so nothing has to be kept for it.
 */
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/kcov.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/memory.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <asm/sections.h>
#ifdef CONFIG_UML
#include <os.h>
#else
#include <asm/text-patching.h>
#endif

#include "glue.h"

enum { CALL = 0xe8, NO_CALL = 0xa9, CALL_SIZE = 5 };

extern const s32 __start_kcov_sites[], __stop_kcov_sites[];

/* The calls of the kernel, or of a module. */
struct site_table {
	struct list_head list;
	struct module *module;	/* null: the kernel */
	const s32 *entries;
	unsigned int count;
	bool init_is_gone;	/* the memory of its init code is somebody else's by now */
};

static struct site_table of_kernel = { .list = LIST_HEAD_INIT(of_kernel.list) };

/* Held while calls change, by the core, and while modules come and go. Guards all below. */
static DEFINE_MUTEX(calls_mutex);
static unsigned int left_alone;	/* in the last change: other bytes than ours lay there */
static unsigned long changes;
static u64 last_change, last_took;	/* ns: since boot; and how long */

/* Milliseconds without a tracer until the calls are unmade; NEVER: they stay. */
enum { NEVER = -1 };
static int sleep_after = 10000;
static unsigned long last_traced;	/* jiffies */

static int __init set_sleep_after(char *text)
{
	int after = NEVER;

	if (strcmp(text, "never") && (kstrtoint(text, 10, &after) || after < 0))
		pr_warn("kcov: kcov_sleep_after=%s is neither milliseconds nor never\n", text);
	else
		sleep_after = after;
	return 1;
}
__setup("kcov_sleep_after=", set_sleep_after);

/* --- one byte of text --------------------------------------------------------- */

#ifdef CONFIG_UML

/* The kernel is a program here, and runs on one CPU. */
static bool protect_text(bool writable)
{
	unsigned long begin = (unsigned long)_text & PAGE_MASK;	/* init text is before _stext */
	unsigned long end = PAGE_ALIGN((unsigned long)_etext);

	return os_protect_memory((void *)begin, end - begin, 1, writable, 1) == 0;
}

static bool begin_writing(void)
{
	return protect_text(true);
}

/* The host's clock: the kernel's own goes by ticks until late in the boot. */
static u64 now_ns(void)
{
	return os_nsecs();
}

static void write_text(u8 *at, u8 byte)
{
	WRITE_ONCE(*at, byte);
}

static void end_writing(void)
{
	protect_text(false);
}

static bool is_translated(void)
{
	return false;
}

static bool is_init_text(unsigned long at)
{
	return at >= (unsigned long)__init_begin && at < (unsigned long)__init_end;
}

#else

/*
 * A page at a time: what changes in it is written together. Everybody who patches text holds
 * text_mutex, so the rest of the page is written as it is.
 */
static u8 page_copy[PAGE_SIZE];
static u8 *copied_page;
static unsigned int first_changed, end_changed;

static bool begin_writing(void)
{
	mutex_lock(&text_mutex);
	copied_page = NULL;
	return true;
}

static u64 now_ns(void)
{
	return ktime_get_ns();
}

static void write_page(void)
{
	if (copied_page)
		text_poke(copied_page + first_changed, page_copy + first_changed,
			  end_changed - first_changed);
	copied_page = NULL;
}

static void write_text(u8 *at, u8 byte)
{
	u8 *page = (u8 *)((unsigned long)at & PAGE_MASK);
	unsigned int offset = at - page;

	if (page != copied_page) {
		write_page();
		memcpy(page_copy, page, PAGE_SIZE);
		copied_page = page;
		first_changed = end_changed = offset;
	}
	page_copy[offset] = byte;
	first_changed = min(first_changed, offset);
	end_changed = max(end_changed, offset + 1);
}

static void end_writing(void)
{
	write_page();
	/* What other CPUs have fetched of the old text they fetch again. */
	text_poke_sync();
	mutex_unlock(&text_mutex);
}

/*
 * An emulator may translate code on one CPU while another writes it, and go on with what it
 * made of the old byte (QEMU before 8.1). To write the same once more makes it look again.
 */
static bool is_translated(void)
{
	return num_online_cpus() > 1 && boot_cpu_has(X86_FEATURE_HYPERVISOR);
}

static bool is_init_text(unsigned long at)
{
	return init_section_contains((void *)at, 1);
}

#endif

/* --- sites -------------------------------------------------------------------- */

static bool is_callback(unsigned long target)
{
	static void *const callbacks[] = {
		__sanitizer_cov_trace_pc,
#ifdef CONFIG_KCOV_ENABLE_COMPARISONS
		__sanitizer_cov_trace_cmp1, __sanitizer_cov_trace_cmp2,
		__sanitizer_cov_trace_cmp4, __sanitizer_cov_trace_cmp8,
		__sanitizer_cov_trace_const_cmp1, __sanitizer_cov_trace_const_cmp2,
		__sanitizer_cov_trace_const_cmp4, __sanitizer_cov_trace_const_cmp8,
		__sanitizer_cov_trace_switch,
#endif
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(callbacks); i++)
		if (target == (unsigned long)callbacks[i])
			return true;
	return false;
}

/*
 * A probe keeps a copy of what it replaces, from when it was registered, armed or not, and an
 * optimised one of what its jump reaches over: what is changed under it would come back.
 */
static bool is_probed(u8 *at)
{
#ifdef CONFIG_KPROBES
	unsigned int before;

	preempt_disable();
	for (before = 0; before < CALL_SIZE && !get_kprobe(at - before); before++)
		;
	preempt_enable();
	return before < CALL_SIZE;
#else
	return false;
#endif
}

static bool is_init_site(const struct site_table *table, unsigned long at)
{
	/* Once the memory is gone a module does not know of it any more. */
	return table->module ? !within_module_core(at, table->module) : is_init_text(at);
}

/* Returns how many were left alone. `again`: writes what is there already, too. */
static unsigned int patch_table(const struct site_table *table, bool made, bool again)
{
	const u8 from = made ? NO_CALL : CALL, to = made ? CALL : NO_CALL;
	unsigned int i, others = 0;

	for (i = 0; i < table->count; i++) {
		const s32 *entry = &table->entries[i];
		u8 *at = (u8 *)((unsigned long)entry + *entry);
		s32 distance;

		if (table->init_is_gone && is_init_site(table, (unsigned long)at))
			continue;
		memcpy(&distance, at + 1, sizeof(distance));
		/* A probe's breakpoint, say. */
		if ((*at != from && *at != to) ||
		    !is_callback((unsigned long)at + CALL_SIZE + distance) || is_probed(at))
			others++;
		else if (again || *at == from)
			write_text(at, to);
	}
	return others;
}

void kcov_glue_lock_calls(void)
{
	mutex_lock(&calls_mutex);
}

void kcov_glue_unlock_calls(void)
{
	mutex_unlock(&calls_mutex);
}

static void patch_tables(bool made, bool again)
{
	struct site_table *table = &of_kernel;

	left_alone = 0;
	do {
		left_alone += patch_table(table, made, again);
		table = list_next_entry(table, list);
	} while (table != &of_kernel);
}

static void make_the_rest(struct work_struct *work);
static DECLARE_DELAYED_WORK(making_the_rest, make_the_rest);

bool kcov_glue_patch_calls(bool made)
{
	u64 begin = now_ns();

	if (!begin_writing()) {
		pr_warn_once("kcov: the kernel's text cannot be written\n");
		return false;
	}
	patch_tables(made, false);
	end_writing();
	if (is_translated() && begin_writing()) {
		patch_tables(made, true);
		end_writing();
	}
	changes++;
	last_change = ktime_get_boottime_ns();
	last_took = now_ns() - begin;
	if (made && left_alone) {
		pr_warn_ratelimited("kcov: %u calls could not be made, there is something else (a probe?)\n",
			     left_alone);
		schedule_delayed_work(&making_the_rest, HZ);
	}
	return true;
}

/* A probe that was there when the calls were made may be gone by now. */
static void make_the_rest(struct work_struct *work)
{
	mutex_lock(&calls_mutex);
	if (left_alone && kcov_core_is_awake())
		kcov_glue_patch_calls(true);
	mutex_unlock(&calls_mutex);
}

/* --- a while ------------------------------------------------------------------ */

static void sleep_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(sleeping, sleep_work);

static void sleep_work(struct work_struct *work)
{
	int after = READ_ONCE(sleep_after);
	unsigned long end = READ_ONCE(last_traced) + msecs_to_jiffies(max(after, 0));

	if (after == NEVER || kcov_core_tracers())
		return;
	/* Others have traced since this was asked for. */
	if (time_before(jiffies, end))
		schedule_delayed_work(&sleeping, end - jiffies);
	else
		kcov_core_sleep();
}

void kcov_sleep_now(void)
{
	if (of_kernel.count && READ_ONCE(sleep_after) != NEVER)
		kcov_core_sleep();
}

/* In any context: a task that traced ends with interrupts off, say. */
void kcov_glue_sleep_later(void)
{
	int after = READ_ONCE(sleep_after);

	WRITE_ONCE(last_traced, jiffies);
	if (after != NEVER && of_kernel.count && !delayed_work_pending(&sleeping))
		schedule_delayed_work(&sleeping, msecs_to_jiffies(after));
}

/* --- modules ------------------------------------------------------------------ */

#ifdef CONFIG_MODULES
static struct site_table *table_of(const struct module *module)
{
	struct site_table *table;

	list_for_each_entry(table, &of_kernel.list, list)
		if (table->module == module)
			return table;
	return NULL;
}

static void add_module(struct module *module)
{
	struct site_table *table;

	if (!module->num_kcov_sites)
		return;
	table = kzalloc(sizeof(*table), GFP_KERNEL);
	/* Without memory for it its calls are always made. */
	if (!table)
		return;
	table->module = module;
	table->entries = module->kcov_sites;
	table->count = module->num_kcov_sites;
	mutex_lock(&calls_mutex);
	list_add(&table->list, &of_kernel.list);
	if (!kcov_core_is_awake() && begin_writing()) {
		left_alone += patch_table(table, false, false);
		end_writing();
	}
	mutex_unlock(&calls_mutex);
}

static int module_changed(struct notifier_block *self, unsigned long state, void *argument)
{
	struct module *module = argument;
	struct site_table *table;

	if (state == MODULE_STATE_COMING) {
		add_module(module);
		return NOTIFY_OK;
	}
	mutex_lock(&calls_mutex);
	table = table_of(module);
	if (table && state == MODULE_STATE_LIVE) {
		table->init_is_gone = true;
	} else if (table && state == MODULE_STATE_GOING) {
		list_del(&table->list);
		kfree(table);
	}
	mutex_unlock(&calls_mutex);
	return NOTIFY_OK;
}

static struct notifier_block module_notifier = { .notifier_call = module_changed };
#endif

/* --- /sys/kernel/debug/kcov_sites and kcov_sleep_after -------------------------- */

static int kcov_sites_show(struct seq_file *file, void *unused)
{
	struct site_table *table = &of_kernel;
	unsigned int count = 0, modules = 0;

	mutex_lock(&calls_mutex);
	do {
		count += table->count;
		modules += table->module != NULL;
		table = list_next_entry(table, list);
	} while (table != &of_kernel);
	seq_printf(file, "state: %s\n", kcov_core_is_awake() ? "awake" : "dormant");
	seq_printf(file, "tracers: %u\n", kcov_core_tracers());
	seq_printf(file, "sites: %u\n", count);
	seq_printf(file, "modules: %u\n", modules);
	seq_printf(file, "left_alone: %u\n", left_alone);
	seq_printf(file, "table_bytes: %zu\n", count * sizeof(s32));
	seq_printf(file, "changes: %lu\n", changes);
	seq_printf(file, "last_change_ns: %llu\n", last_change);
	seq_printf(file, "last_took_ns: %llu\n", last_took);
	mutex_unlock(&calls_mutex);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(kcov_sites);

static ssize_t read_sleep_after(struct file *file, char __user *to, size_t count, loff_t *position)
{
	char text[16];
	int after = READ_ONCE(sleep_after);
	int length = after == NEVER ? scnprintf(text, sizeof(text), "never\n") :
				      scnprintf(text, sizeof(text), "%d\n", after);

	return simple_read_from_buffer(to, count, position, text, length);
}

static ssize_t write_sleep_after(struct file *file, const char __user *from, size_t count,
				 loff_t *position)
{
	char text[16];
	int after = NEVER;
	loff_t begin = 0;
	ssize_t length = simple_write_to_buffer(text, sizeof(text) - 1, &begin, from, count);

	if (length < 0)
		return length;
	text[length] = 0;
	if (!sysfs_streq(text, "never")) {
		if (length != count || kstrtoint(text, 10, &after))
			return -EINVAL;
		if (after < 0)
			return -EINVAL;
	}
	WRITE_ONCE(sleep_after, after);
	cancel_delayed_work_sync(&sleeping);
	if (!kcov_core_tracers())
		kcov_glue_sleep_later();
	return count;
}

static const struct file_operations sleep_after_operations = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = read_sleep_after,
	.write = write_sleep_after,
	.llseek = default_llseek,
};

void __init kcov_create_site_files(void)
{
	debugfs_create_file("kcov_sites", 0400, NULL, NULL, &kcov_sites_fops);
	debugfs_create_file("kcov_sleep_after", 0600, NULL, NULL, &sleep_after_operations);
}

/* As early as text can be patched: nobody traces before there is a first program. */
static int __init sleep_at_start(void)
{
	of_kernel.entries = __start_kcov_sites;
	of_kernel.count = __stop_kcov_sites - __start_kcov_sites;
	kcov_sleep_now();
	/* Its init code is of no use to a tracer, and its memory is freed. */
	of_kernel.init_is_gone = true;
#ifdef CONFIG_MODULES
	register_module_notifier(&module_notifier);
#endif
	return 0;
}
early_initcall(sleep_at_start);
