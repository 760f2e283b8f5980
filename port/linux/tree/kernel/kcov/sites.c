// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Makes and unmakes the calls of the callbacks in the kernel's text. When is the core's affair
 * (core/dormancy.hpp); where they lie is in tables that the assembler made (sites.h), one of
 * the kernel and one of each module; what stands in their place, and by which steps it comes
 * there, so that whoever runs through it at any moment meets whole instructions, is in
 * x86_64/unmade_call.h; how text is written, in text.h.
 */
#include <linux/debugfs.h>
#include <linux/extable.h>
#include <linux/init.h>
#include <linux/kcov.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "glue.h"
#include "text.h"
#include "x86_64/unmade_call.h"

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
/* What the last change could not change: something else lay there. */
static unsigned int left_alone;
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

/* --- sites -------------------------------------------------------------------- */

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
static_assert(ARRAY_SIZE(callbacks) <= KCOV_CALL_TARGETS);

static s32 distance_to(const u8 *at, int target)
{
	return (unsigned long)callbacks[target] - (unsigned long)at - KCOV_CALL_SIZE;
}

/* Which callback the call is of, made or not, or on its way; -1: it is none. */
static int target_of(const u8 *at)
{
	int target;
	s32 distance;

	if (*at != KCOV_CALL_MADE) {
		target = kcov_read_target(at + 1);
		if (target >= 0)
			return (*at == KCOV_CALL_PREFIX || *at == KCOV_CALL_SKIPPED) &&
				       target < ARRAY_SIZE(callbacks) ? target : -1;
		if (*at != KCOV_CALL_SKIPPED)
			return -1;
	}
	memcpy(&distance, at + 1, sizeof(distance));
	for (target = 0; target < ARRAY_SIZE(callbacks); target++)
		if (distance == distance_to(at, target))
			return target;
	return -1;
}

static bool has_probe(u8 *from, unsigned int count)
{
#ifdef CONFIG_KPROBES
	bool found = false;

	preempt_disable();
	for (; count > 0 && !found; count--)
		found = get_kprobe(from++);
	preempt_enable();
	return found;
#else
	return false;
#endif
}

/*
 * A probe keeps a copy of what it replaces, from when it was registered, armed or not, and an
 * optimised one of what its jump reaches over: what is changed under it would come back.
 */
static bool is_probed(u8 *at)
{
	return has_probe(at - KCOV_CALL_SIZE + 1, KCOV_CALL_SIZE);
}

/* Whether prefixes may stand in front of what is behind a call. */
static bool takes_prefixes(u8 *code)
{
	/* Where there is a probe it is another instruction than it will be when that is gone. */
	if (!kcov_takes_prefixes(code) || has_probe(code, 1))
		return false;
	/* Whoever repairs a fault looks for the instruction by its address. */
	return !search_exception_tables((unsigned long)code);
}

static bool is_init_site(const struct site_table *table, unsigned long at)
{
	/* Once the memory is gone a module does not know of it any more. */
	return table->module ? !within_module_core(at, table->module) : kcov_text_is_init(at);
}

/* The steps of unmade_call.h, in their order. */
enum step { TO_SKIPPED, OTHER_BYTES, FROM_SKIPPED, STEPS };

/*
 * One step of one call. Whether the call is as was asked for, after the last; before, it says
 * nothing. From one step to the next a probe may come or go, so each goes by what is there.
 */
static bool change(u8 *at, int target, bool made, enum step step)
{
	const u8 from = made ? KCOV_CALL_PREFIX : KCOV_CALL_MADE;
	u8 bytes[KCOV_CALL_SIZE - 1];
	s32 distance = distance_to(at, target);

	switch (step) {
	case TO_SKIPPED:
		bytes[0] = KCOV_CALL_SKIPPED;
		if (*at == from)
			kcov_text_write(at, bytes, 1);
		return false;
	case OTHER_BYTES:
		if (*at != KCOV_CALL_SKIPPED)
			return false;
		if (made)
			memcpy(bytes, &distance, sizeof(bytes));
		else if (takes_prefixes(at + KCOV_CALL_SIZE))
			kcov_write_target(bytes, target);
		else
			return false;
		if (memcmp(at + 1, bytes, sizeof(bytes)))
			kcov_text_write(at + 1, bytes, sizeof(bytes));
		return false;
	default:
		if (*at != KCOV_CALL_SKIPPED)
			return *at != from;
		/* Skipped will do for one that is not made. A call needs its distance. */
		if (made ? memcmp(at + 1, &distance, sizeof(distance)) :
			   kcov_read_target(at + 1) < 0)
			return !made;
		bytes[0] = made ? KCOV_CALL_MADE : KCOV_CALL_PREFIX;
		kcov_text_write(at, bytes, 1);
		return true;
	}
}

/* Where gcc before 12 instruments what must not be, objtool takes the calls out again. */
static bool is_taken_out(const u8 *at)
{
	static const u8 nop[KCOV_CALL_SIZE] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };

	return !memcmp(at, nop, sizeof(nop));
}

static u8 *site(const struct site_table *table, unsigned int index)
{
	const s32 *entry = &table->entries[index];
	u8 *at = (u8 *)((unsigned long)entry + *entry);

	return table->init_is_gone && is_init_site(table, (unsigned long)at) ? NULL : at;
}

/* Steps `first` to `last` of all calls of a table. */
static void change_table(const struct site_table *table, bool made, enum step first, enum step last)
{
	unsigned int i;

	for (i = 0; i < table->count; i++) {
		u8 *at = site(table, i);
		bool done = false;
		enum step step;
		int target;

		if (!(i % 4096))
			cond_resched();
		if (!at)
			continue;
		target = target_of(at);
		if (target < 0 && is_taken_out(at))
			continue;
		/* Else a probe's breakpoint, say. */
		if (target >= 0 && !is_probed(at))
			for (step = first; step <= last; step++)
				done = change(at, target, made, step);
		left_alone += last == FROM_SKIPPED && !done;
	}
}

/* Writes again what is there, if it is a call that is made. */
static void repeat_table(const struct site_table *table)
{
	unsigned int i;

	for (i = 0; i < table->count; i++) {
		u8 *at = site(table, i);

		if (!(i % 4096))
			cond_resched();
		if (at && *at == KCOV_CALL_MADE && target_of(at) >= 0 && !is_probed(at))
			kcov_text_write(at, at, 1);
	}
}

void kcov_glue_lock_calls(void)
{
	mutex_lock(&calls_mutex);
}

void kcov_glue_unlock_calls(void)
{
	mutex_unlock(&calls_mutex);
}

/* Of one table, or of all. Between kcov_text_begin() and kcov_text_end(). */
static void change_tables(struct site_table *only, bool made)
{
	enum step step = TO_SKIPPED;

	left_alone = 0;
	do {
		enum step last = kcov_text_is_shared() ? step : FROM_SKIPPED;
		struct site_table *table = only ?: &of_kernel;

		do {
			change_table(table, made, step, last);
			table = list_next_entry(table, list);
		} while (!only && table != &of_kernel);
		kcov_text_sync();
		step = last + 1;
	} while (step < STEPS);
}

static void repeat_tables(void)
{
	struct site_table *table = &of_kernel;

	do {
		repeat_table(table);
		table = list_next_entry(table, list);
	} while (table != &of_kernel);
}

static void make_the_rest(struct work_struct *work);
static DECLARE_DELAYED_WORK(making_the_rest, make_the_rest);

bool kcov_glue_patch_calls(bool made)
{
	u64 begin = kcov_text_now();

	if (!kcov_text_begin()) {
		pr_warn_once("kcov: the kernel's text cannot be written\n");
		return false;
	}
	change_tables(NULL, made);
	/* Stale code that calls is slow, and stale code that does not loses what it executes. */
	if (made && kcov_text_is_translated())
		repeat_tables();
	kcov_text_end();
	changes++;
	last_change = ktime_get_boottime_ns();
	last_took = kcov_text_now() - begin;
	if (left_alone) {
		pr_warn_ratelimited("kcov: %u calls could not be %s, there is something else (a probe?)\n",
				    left_alone, made ? "made" : "unmade");
		if (made)
			schedule_delayed_work(&making_the_rest, HZ);
	}
	return true;
}

/* A probe that was there when the calls were made may be gone by now. */
static void make_the_rest(struct work_struct *work)
{
	unsigned int before;

	mutex_lock(&calls_mutex);
	before = left_alone;
	if (before && kcov_core_is_awake() && kcov_text_begin()) {
		change_tables(NULL, true);
		if (left_alone < before && kcov_text_is_translated())
			repeat_tables();
		kcov_text_end();
		if (left_alone)
			schedule_delayed_work(&making_the_rest, HZ);
		else
			pr_info("kcov: all calls are made now\n");
	}
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
	if (!table) {
		pr_warn("kcov: no memory for the table of %s: its calls are always made\n",
			module->name);
		return;
	}
	table->module = module;
	table->entries = module->kcov_sites;
	table->count = module->num_kcov_sites;
	mutex_lock(&calls_mutex);
	list_add(&table->list, &of_kernel.list);
	if (!kcov_core_is_awake() && kcov_text_begin()) {
		change_tables(table, false);
		kcov_text_end();
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
	unsigned int count = 0, modules = 0, prefixes = 0, i;

	mutex_lock(&calls_mutex);
	do {
		for (i = 0; i < table->count; i++) {
			const u8 *at = site(table, i);

			prefixes += at && *at == KCOV_CALL_PREFIX && kcov_read_target(at + 1) >= 0;
		}
		count += table->count;
		modules += table->module != NULL;
		table = list_next_entry(table, list);
	} while (table != &of_kernel);
	seq_printf(file, "state: %s\n", kcov_core_is_awake() ? "awake" : "dormant");
	seq_printf(file, "tracers: %u\n", kcov_core_tracers());
	seq_printf(file, "sites: %u\n", count);
	seq_printf(file, "modules: %u\n", modules);
	seq_printf(file, "left_alone: %u\n", left_alone);
	seq_printf(file, "prefixes: %u\n", prefixes);
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
