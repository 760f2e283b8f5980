// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * User-mode Linux: the kernel is a program, and its text is made writable for the moment of a
 * change. It runs on one CPU, so nobody else runs through what is written but interrupts, and
 * these find each store done or not.
 */
#include <linux/mm.h>
#include <linux/printk.h>
#include <asm/sections.h>
#include <os.h>

#include "text.h"

static bool protect_text(bool writable)
{
	unsigned long begin = (unsigned long)_text & PAGE_MASK;	/* init text is before _stext */
	unsigned long end = PAGE_ALIGN((unsigned long)_etext);

	return os_protect_memory((void *)begin, end - begin, 1, writable, 1) == 0;
}

bool kcov_text_begin(void)
{
	return protect_text(true);
}

void kcov_text_write(u8 *at, const u8 *bytes, unsigned int count)
{
	while (count-- > 0)
		WRITE_ONCE(*at++, *bytes++);
}

void kcov_text_sync(void)
{
}

void kcov_text_end(void)
{
	if (!protect_text(false))
		pr_warn_once("kcov: the kernel's text stays writable\n");
}

bool kcov_text_is_shared(void)
{
	return false;
}

bool kcov_text_is_translated(void)
{
	return false;
}

bool kcov_text_is_init(unsigned long at)
{
	return at >= (unsigned long)__init_begin && at < (unsigned long)__init_end;
}

/* The host's clock: the kernel's own goes by ticks until late in the boot. */
u64 kcov_text_now(void)
{
	return os_nsecs();
}
