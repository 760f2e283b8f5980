// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * x86_64: text_poke(), a page at a time. Everybody who patches text holds text_mutex meanwhile, so
 * what lies between two bytes that change in a page is written as it is.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/memory.h>
#include <linux/mutex.h>
#include <asm/sections.h>
#include <asm/text-patching.h>

#include "text.h"

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
