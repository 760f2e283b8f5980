// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * x86_64: text_poke(), a page at a time. Everybody who patches text holds text_mutex meanwhile, so
 * what lies between two bytes that change in a page is written as it is.
 */
#include <linux/kcov.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/memory.h>
#include <linux/mutex.h>
#include <asm/sections.h>
#include <asm/text-patching.h>

#include "text.h"
#include "x86_64/unmade_call.h"

static u8 page_copy[PAGE_SIZE];
static u8 *copied_page;
static unsigned int first_changed, end_changed;

static void write_page(void)
{
	if (copied_page)
		text_poke(copied_page + first_changed, page_copy + first_changed,
			  end_changed - first_changed);
	copied_page = NULL;
}

bool kcov_text_begin(void)
{
	mutex_lock(&text_mutex);
	copied_page = NULL;
	return true;
}

void kcov_text_write(u8 *at, const u8 *bytes, unsigned int count)
{
	for (; count > 0; count--, at++, bytes++) {
		u8 *page = (u8 *)((unsigned long)at & PAGE_MASK);
		unsigned int offset = at - page;

		if (page != copied_page) {
			write_page();
			memcpy(page_copy, page, PAGE_SIZE);
			copied_page = page;
			first_changed = end_changed = offset;
		}
		page_copy[offset] = *bytes;
		first_changed = min(first_changed, offset);
		end_changed = max(end_changed, offset + 1);
	}
}

void kcov_text_sync(void)
{
	write_page();
	text_poke_sync();
}

void kcov_text_end(void)
{
	kcov_text_sync();
	mutex_unlock(&text_mutex);
}

bool kcov_text_is_shared(void)
{
	return true;
}

bool kcov_text_is_translated(void)
{
	return num_online_cpus() > 1 && boot_cpu_has(X86_FEATURE_HYPERVISOR);
}

bool kcov_text_is_init(unsigned long at)
{
	return init_section_contains((void *)at, 1);
}

u64 kcov_text_now(void)
{
	return ktime_get_ns();
}

#ifdef CONFIG_KPROBES
static bool is_prefixes(const u8 *at)
{
	return *at == KCOV_CALL_PREFIX && kcov_read_target(at + 1) >= 0;
}

/*
 * For kprobes, which go through a function instruction by instruction to find out where one begins:
 * the call at `address`, if it is prefixes now, as an instruction of its own. In `buffer`, or 0.
 */
unsigned long kcov_recover_call(u8 *buffer, unsigned long address)
{
	const u8 *at = (const u8 *)address;

	if (!is_prefixes(at))
		return 0;
	memcpy(buffer, at, KCOV_CALL_SIZE);
	buffer[0] = KCOV_CALL_SKIPPED;
	return (unsigned long)buffer;
}

/*
 * There is to be a probe at `address`: if a call is prefixes there it becomes an instruction
 * of its own, for a probe copies a whole one. With text_mutex held.
 */
void kcov_probe_call(unsigned long address)
{
	static const u8 skipped = KCOV_CALL_SKIPPED;
	u8 *at = (u8 *)address;

	if (!is_prefixes(at))
		return;
	text_poke(at, &skipped, 1);
	text_poke_sync();
}
#endif
